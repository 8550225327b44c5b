using System.Runtime.CompilerServices;
using System.Text;

namespace LlmServe.Gguf.Internal;

/// <summary>Reads a file's header from memory. Every read is checked against the end before it happens; numbers are little endian.</summary>
internal sealed unsafe class GgufCursor
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, true);

    private readonly byte* _data;
    private readonly long _length;

    public GgufCursor(byte* data, long length, string file)
    {
        _data = data;
        _length = length;
        File = file;
    }

    /// <summary>Path, for messages.</summary>
    public string File { get; }

    /// <summary>Bytes read so far; never above the length.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes left.</summary>
    public long Remaining => _length - Position;

    /// <summary>The next bytes; the caller has made sure that they are there, and that they fit a span.</summary>
    public ReadOnlySpan<byte> Peek(long bytes) => new(_data + Position, checked((int)bytes));

    /// <summary>Takes <paramref name="bytes"/> bytes and returns where they start.</summary>
    public byte* Take(long bytes, in GgufField field)
    {
        if (bytes < 0 || bytes > Remaining)
        {
            throw Fail(field, $"{bytes} bytes needed at offset {Position}", $"at most the {Remaining} left in the file; it is truncated or damaged");
        }

        byte* start = _data + Position;
        Position += bytes;
        return start;
    }

    public uint ReadUInt32(in GgufField field) => Unsafe.ReadUnaligned<uint>(Take(sizeof(uint), field));

    public ulong ReadUInt64(in GgufField field) => Unsafe.ReadUnaligned<ulong>(Take(sizeof(ulong), field));

    /// <summary>A count of things that take at least <paramref name="leastBytes"/> each, so that no array is larger than the file justifies.</summary>
    public long ReadCount(in GgufField field, int leastBytes)
    {
        ulong count = ReadUInt64(field);
        long most = Remaining / leastBytes;
        return count <= (ulong)most
            ? (long)count
            : throw Fail(field, count.ToString(), $"at most {most}, which is what the {Remaining} bytes left can hold; the file is truncated or damaged");
    }

    /// <summary>A string that names something: 1 to <paramref name="mostBytes"/> bytes of valid UTF-8.</summary>
    public string ReadName(in GgufField field, int mostBytes)
    {
        ulong length = ReadUInt64(field);
        if (length < 1 || length > (ulong)mostBytes)
        {
            throw Fail(field with { Detail = $"{field.Detail} length".TrimStart() }, $"{length} bytes", $"1 to {mostBytes}");
        }

        try
        {
            return StrictUtf8.GetString(Take((long)length, field), (int)length);
        }
        catch (DecoderFallbackException)
        {
            throw Fail(field, "bytes that are not UTF-8", "UTF-8");
        }
    }

    /// <summary>The error for a field, to be thrown.</summary>
    public GgufException Fail(in GgufField field, string found, string allowed) => new(File, field.ToString(), found, allowed);
}
