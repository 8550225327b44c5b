using System.Buffers.Binary;
using System.IO.Hashing;
using LlmServe.Execution;
using Microsoft.Win32.SafeHandles;

namespace LlmServe.Engine.Memory.Store;

/// <summary>
/// A stored node as a file, all numbers little-endian: magic (8 bytes), identity of program and layout (16), the node's digest (16) and its parent's (16),
/// bits of the groups (4), whether there is a state (4), payload bytes (8), XXH128 of the payload (16), 32 tokens (4 each), XXH128 of all before (16), payload.
/// </summary>
internal static class NodeFile
{
    private const ulong Magic = 0x3130_5846_5053_4C4C; // "LLSPFX01"
    private const int PayloadSumAt = 72;
    private const int TokensAt = 88;
    private const int HeaderSumAt = TokensAt + (KvBlock.Positions * sizeof(int));

    /// <summary>Bytes before the payload.</summary>
    public const int HeaderBytes = HeaderSumAt + 16;

    /// <summary>Writes a node under another name and renames it, so that nobody reads half of one.</summary>
    public static void Write(string path, UInt128 identity, StoredNode node)
    {
        var own = node.Header;
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteUInt128LittleEndian(header[8..], identity);
        BinaryPrimitives.WriteUInt128LittleEndian(header[24..], own.Digest);
        BinaryPrimitives.WriteUInt128LittleEndian(header[40..], own.Parent);
        BinaryPrimitives.WriteUInt32LittleEndian(header[56..], own.Groups);
        BinaryPrimitives.WriteInt32LittleEndian(header[60..], own.HasState ? 1 : 0);
        BinaryPrimitives.WriteInt64LittleEndian(header[64..], node.Payload.Length);
        for (int i = 0; i < KvBlock.Positions; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(header[(TokensAt + (i * sizeof(int)))..], own.Tokens[i]);
        }

        BinaryPrimitives.WriteUInt128LittleEndian(header[PayloadSumAt..], XxHash128.HashToUInt128(node.Payload));
        BinaryPrimitives.WriteUInt128LittleEndian(header[HeaderSumAt..], XxHash128.HashToUInt128(header[..HeaderSumAt]));
        string part = path + "." + Path.GetRandomFileName() + ".part";
        try
        {
            using (var file = File.OpenHandle(part, FileMode.CreateNew, FileAccess.Write, FileShare.None, preallocationSize: HeaderBytes + node.Payload.Length))
            {
                RandomAccess.Write(file, header, 0);
                RandomAccess.Write(file, node.Payload, HeaderBytes);
            }

            File.Move(part, path, overwrite: true);
        }
        catch
        {
            File.Delete(part);
            throw;
        }
    }

    /// <summary>Reads what a node says of itself; null when the file is not that node, or has another length than it should.</summary>
    /// <exception cref="IOException">Reading failed.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static NodeHeader? ReadHeader(string path, UInt128 identity, UInt128 digest, StoreLayout layout)
    {
        using var file = File.OpenHandle(path);
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        return ReadHeader(file, bytes, identity, digest, layout);
    }

    /// <summary>Reads a node; null when the file is not that node, whole and as it was written.</summary>
    /// <exception cref="IOException">Reading failed.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static StoredNode? Read(string path, UInt128 identity, UInt128 digest, StoreLayout layout)
    {
        using var file = File.OpenHandle(path);
        Span<byte> bytes = stackalloc byte[HeaderBytes];
        if (ReadHeader(file, bytes, identity, digest, layout) is not { } header)
        {
            return null;
        }

        var node = new StoredNode(header, (int)layout.PayloadBytes(header.Groups, header.HasState));
        if (ReadFully(file, node.Payload, HeaderBytes) && BinaryPrimitives.ReadUInt128LittleEndian(bytes[PayloadSumAt..]) == XxHash128.HashToUInt128(node.Payload))
        {
            return node;
        }

        node.Dispose();
        return null;
    }

    private static NodeHeader? ReadHeader(SafeFileHandle file, Span<byte> bytes, UInt128 identity, UInt128 digest, StoreLayout layout)
    {
        if (!ReadFully(file, bytes, 0)
            || BinaryPrimitives.ReadUInt64LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt128LittleEndian(bytes[HeaderSumAt..]) != XxHash128.HashToUInt128(bytes[..HeaderSumAt])
            || BinaryPrimitives.ReadUInt128LittleEndian(bytes[8..]) != identity
            || BinaryPrimitives.ReadUInt128LittleEndian(bytes[24..]) != digest)
        {
            return null;
        }

        uint groups = BinaryPrimitives.ReadUInt32LittleEndian(bytes[56..]);
        bool hasState = BinaryPrimitives.ReadInt32LittleEndian(bytes[60..]) != 0;
        long payload = BinaryPrimitives.ReadInt64LittleEndian(bytes[64..]);
        if (!layout.HasParts(groups, hasState) || payload != layout.PayloadBytes(groups, hasState) || RandomAccess.GetLength(file) != HeaderBytes + payload)
        {
            return null;
        }

        int[] tokens = new int[KvBlock.Positions];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(TokensAt + (i * sizeof(int)))..]);
        }

        return new NodeHeader(digest, BinaryPrimitives.ReadUInt128LittleEndian(bytes[40..]), tokens, groups, hasState);
    }

    private static bool ReadFully(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int read = RandomAccess.Read(file, bytes, offset);
            if (read == 0)
            {
                return false;
            }

            bytes = bytes[read..];
            offset += read;
        }

        return true;
    }
}
