using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;
using LlmServe.Gguf.Formats;

namespace LlmServe.Gguf.Internal;

/// <summary>What one file says about itself: version, metadata, tensor table. Everything in it has been checked against the file's length.</summary>
internal sealed unsafe class GgufHeader
{
    /// <summary>Where tensor data is aligned unless <c>general.alignment</c> says otherwise.</summary>
    public const int DefaultAlignment = 32;

    /// <summary>The key that sets the alignment.</summary>
    public const string AlignmentKey = "general.alignment";

    /// <summary>Magic, version and two counts.</summary>
    public const int FixedBytes = 24;

    /// <summary>Longest metadata key.</summary>
    public const int MaxKeyBytes = 65535;

    /// <summary>Longest tensor name.</summary>
    public const int MaxTensorNameBytes = 1024;

    /// <summary>Even at the fewest bits an element can take, more are no machine's; sizes in bytes then fit in 63 bits.</summary>
    public const ulong MaxElements = 1ul << 56;

    /// <summary>The allowed alignments, in words.</summary>
    public const string AllowedAlignments = "a power of two from 8 to 2^20";

    private const uint Magic = 0x46554747;

    private GgufHeader(uint version, GgufMetadata metadata, List<GgufTensor> tensors)
    {
        Version = version;
        Metadata = metadata;
        Tensors = tensors;
    }

    public uint Version { get; }

    public GgufMetadata Metadata { get; }

    /// <summary>In file order.</summary>
    public List<GgufTensor> Tensors { get; }

    /// <summary>Reads and checks a header; the source is the GGUF specification in ggml's docs/gguf.md.</summary>
    /// <param name="data">The whole file.</param>
    /// <param name="length">Its length.</param>
    /// <param name="file">Path, for messages.</param>
    /// <param name="part">Number of the part, recorded in the tensors.</param>
    /// <exception cref="GgufException">The file is broken; the message names the field.</exception>
    public static GgufHeader Parse(byte* data, long length, string file, int part = 0)
    {
        var cursor = new GgufCursor(data, length, file);
        uint version = ReadVersion(cursor, length);
        long tensorCount = cursor.ReadCount("tensor count", 33);
        long keyCount = cursor.ReadCount("metadata count", 14);
        var metadata = ReadMetadata(cursor, keyCount);
        int alignment = ReadAlignment(cursor, metadata);
        var entries = ReadTable(cursor, tensorCount);

        // A file without tensors may end right after its header.
        long dataStart = checked((cursor.Position + alignment - 1) & -alignment);
        var tensors = new List<GgufTensor>(entries.Count);
        foreach (var entry in entries)
        {
            tensors.Add(Place(cursor, entry, dataStart, length, alignment, part));
        }

        RequireDisjoint(cursor, tensors);
        return new GgufHeader(version, metadata, tensors);
    }

    /// <summary>The error for a file that cannot even hold magic, version and counts.</summary>
    public static GgufException TooShort(string file, long length) =>
        new(file, "length", $"{length} bytes", $"at least {FixedBytes}; the file is empty, truncated or no GGUF file");

    /// <summary>True for <see cref="AllowedAlignments"/>.</summary>
    public static bool IsAlignment(long alignment) => alignment is >= 8 and <= 1 << 20 && BitOperations.IsPow2(alignment);

    private static uint ReadVersion(GgufCursor cursor, long length)
    {
        if (length < FixedBytes)
        {
            throw TooShort(cursor.File, length);
        }

        if (cursor.Peek(FixedBytes).StartsWith("version https://git-"u8))
        {
            throw cursor.Fail("magic", "a Git LFS pointer instead of a model", "'GGUF'; fetch the file itself with 'git lfs pull'");
        }

        uint magic = cursor.ReadUInt32("magic");
        if (magic != Magic)
        {
            throw cursor.Fail("magic", $"0x{magic:x8}", $"0x{Magic:x8} ('GGUF'); convert the model to GGUF");
        }

        uint version = cursor.ReadUInt32("version");
        if (version is 2 or 3)
        {
            return version;
        }

        throw BinaryPrimitives.ReverseEndianness(version) is >= 1 and <= 3
            ? cursor.Fail("byte order", "a big-endian file", "little endian; convert the model again for a little-endian machine")
            : cursor.Fail("version", version.ToString(), "2 and 3; convert the model again with a current converter");
    }

    private static GgufMetadata ReadMetadata(GgufCursor cursor, long count)
    {
        var entries = new List<KeyValuePair<string, GgufValue>>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            string key = cursor.ReadName(new GgufField("metadata key", Number: i), MaxKeyBytes);
            var field = new GgufField("metadata key", key);
            if (!seen.Add(key))
            {
                throw cursor.Fail(field, "the key twice", "once");
            }

            entries.Add(new(key, GgufValueReader.Read(cursor, field)));
        }

        return new GgufMetadata(cursor.File, entries);
    }

    private static int ReadAlignment(GgufCursor cursor, GgufMetadata metadata)
    {
        long alignment = metadata.TryGetInt64(AlignmentKey, out long set) ? set : DefaultAlignment;
        return IsAlignment(alignment) ? (int)alignment : throw cursor.Fail(AlignmentKey, alignment.ToString(), AllowedAlignments);
    }

    /// <summary>A row of the tensor table, before its offset is checked, which needs the end of the table.</summary>
    private readonly record struct Entry(string Name, BlockFormat Format, ImmutableArray<long> Dimensions, ulong Offset);

    private static List<Entry> ReadTable(GgufCursor cursor, long count)
    {
        var entries = new List<Entry>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            string name = cursor.ReadName(new GgufField("tensor", Number: i, Detail: "name"), MaxTensorNameBytes);
            var field = new GgufField("tensor", name);
            if (!seen.Add(name))
            {
                throw cursor.Fail(field, "the name twice", "once");
            }

            var dimensions = ReadDimensions(cursor, field);
            uint type = cursor.ReadUInt32(field);
            if (!BlockFormat.TryGet((GgmlType)type, out var format))
            {
                string known = string.Join(", ", BlockFormat.All.Select(known => $"{(uint)known.Type} {known.Name}"));
                throw cursor.Fail(field with { Detail = "type" }, type.ToString(), known);
            }

            if (dimensions[0] % format.BlockSize != 0)
            {
                throw cursor.Fail(field with { Detail = "dimension 0" }, $"{dimensions[0]} columns of {format.Name}", $"a multiple of {format.BlockSize}");
            }

            entries.Add(new Entry(name, format, dimensions, cursor.ReadUInt64(field)));
        }

        return entries;
    }

    private static ImmutableArray<long> ReadDimensions(GgufCursor cursor, in GgufField field)
    {
        uint count = cursor.ReadUInt32(field);
        if (count is < 1 or > 4)
        {
            throw cursor.Fail(field with { Detail = "dimensions" }, count.ToString(), "1 to 4");
        }

        var dimensions = ImmutableArray.CreateBuilder<long>((int)count);
        UInt128 elements = 1;
        for (int i = 0; i < count; i++)
        {
            ulong dimension = cursor.ReadUInt64(field);
            elements *= dimension;
            if (dimension == 0 || elements > MaxElements)
            {
                throw cursor.Fail(field with { Detail = $"dimension {i}" }, dimension.ToString(), "1 or more, with at most 2^56 elements in all");
            }

            dimensions.Add((long)dimension);
        }

        return dimensions.MoveToImmutable();
    }

    private static GgufTensor Place(GgufCursor cursor, Entry entry, long dataStart, long length, int alignment, int part)
    {
        var field = new GgufField("tensor", entry.Name, Detail: "offset");
        if (entry.Offset % (ulong)alignment != 0)
        {
            throw cursor.Fail(field, entry.Offset.ToString(), $"a multiple of the alignment {alignment}");
        }

        long room = Math.Max(0, length - dataStart);
        if (entry.Offset > (ulong)room)
        {
            throw cursor.Fail(field, entry.Offset.ToString(), $"at most {room}, the bytes of tensor data; the file is truncated or damaged");
        }

        var tensor = new GgufTensor(entry.Name, entry.Format, entry.Dimensions, dataStart + (long)entry.Offset, part);
        return tensor.ByteLength <= length - tensor.Offset
            ? tensor
            : throw cursor.Fail(
                field with { Detail = "data" },
                $"{tensor.ByteLength} bytes at file offset {tensor.Offset}",
                $"an end within the file's {length} bytes; it is truncated or damaged");
    }

    private static void RequireDisjoint(GgufCursor cursor, List<GgufTensor> tensors)
    {
        var sorted = tensors.OrderBy(tensor => tensor.Offset).ToList();
        for (int i = 1; i < sorted.Count; i++)
        {
            var (before, after) = (sorted[i - 1], sorted[i]);
            long end = before.Offset + before.ByteLength;
            if (end > after.Offset)
            {
                throw cursor.Fail(
                    new GgufField("tensor", after.Name, Detail: "offset"),
                    $"file offset {after.Offset} inside tensor {GgufException.Quote(before.Name)}",
                    $"tensors that do not overlap, here {end} or more");
            }
        }
    }
}
