namespace LlmServe.Gguf.Internal;

/// <summary>Reads metadata values. What it allocates is bounded by a small multiple of the bytes that it reads.</summary>
internal static unsafe class GgufValueReader
{
    /// <summary>Arrays in arrays in arrays: deeper than any known file, shallow enough for the stack.</summary>
    public const int MaxDepth = 4;

    private const int MaxBytes = 1 << 28;

    /// <summary>Reads a type and a value of that type.</summary>
    public static GgufValue Read(GgufCursor cursor, in GgufField field)
    {
        var type = ReadType(cursor, field);
        return type == GgufValueType.Array ? ReadArray(cursor, field, 1) : ReadSimple(cursor, field, type);
    }

    private static GgufValueType ReadType(GgufCursor cursor, in GgufField field)
    {
        var type = (GgufValueType)cursor.ReadUInt32(field);
        return GgufValueTypes.IsKnown(type) ? type : throw cursor.Fail(field, $"value type {(uint)type}", GgufValueTypes.Allowed);
    }

    private static GgufValue ReadSimple(GgufCursor cursor, in GgufField field, GgufValueType type)
    {
        if (type == GgufValueType.String)
        {
            long length = cursor.ReadCount(field, 1);
            RequireModest(cursor, field, length);
            return GgufValue.FromUtf8(new ReadOnlySpan<byte>(cursor.Take(length, field), (int)length).ToArray());
        }

        int size = GgufValueTypes.SizeOf(type);
        ulong bits = GgufValue.ReadBits(type, new ReadOnlySpan<byte>(cursor.Take(size, field), size));
        return type == GgufValueType.Bool && bits > 1
            ? throw cursor.Fail(field, $"bool with value {bits}", "0 or 1")
            : GgufValue.Scalar(type, bits);
    }

    private static GgufValue ReadArray(GgufCursor cursor, in GgufField field, int depth)
    {
        if (depth > MaxDepth)
        {
            throw cursor.Fail(field, "arrays nested more deeply", $"{MaxDepth} levels");
        }

        var elementType = ReadType(cursor, field);
        return elementType switch
        {
            GgufValueType.String => ReadStrings(cursor, field),
            GgufValueType.Array => ReadNested(cursor, field, depth),
            _ => ReadNumbers(cursor, field, elementType),
        };
    }

    private static GgufValue ReadNumbers(GgufCursor cursor, in GgufField field, GgufValueType elementType)
    {
        int size = GgufValueTypes.SizeOf(elementType);
        long bytes = cursor.ReadCount(field, size) * size;
        RequireModest(cursor, field, bytes);
        var raw = new ReadOnlySpan<byte>(cursor.Take(bytes, field), (int)bytes).ToArray();
        return elementType == GgufValueType.Bool && raw.AsSpan().ContainsAnyExceptInRange((byte)0, (byte)1)
            ? throw cursor.Fail(field, "bools other than 0 and 1", "0 or 1")
            : GgufValue.FromRaw(elementType, raw);
    }

    private static GgufValue ReadNested(GgufCursor cursor, in GgufField field, int depth)
    {
        // An empty array still has its type (4 bytes) and its count (8 bytes).
        const int LeastBytes = 12;
        long count = cursor.ReadCount(field, LeastBytes);
        RequireModest(cursor, field, count * LeastBytes);
        var items = new GgufValue[count];
        for (int i = 0; i < items.Length; i++)
        {
            items[i] = ReadArray(cursor, field, depth + 1);
        }

        return GgufValue.FromNested(items);
    }

    private static GgufValue ReadStrings(GgufCursor cursor, in GgufField field)
    {
        long count = cursor.ReadCount(field, sizeof(ulong));
        RequireModest(cursor, field, count * sizeof(ulong));
        int[] starts = new int[count + 1];
        byte* first = cursor.Take(0, field);
        for (int i = 0; i < count; i++)
        {
            ulong length = cursor.ReadUInt64(field);
            if (length > (ulong)cursor.Remaining)
            {
                throw cursor.Fail(field with { Detail = $"string {i} length" }, $"{length} bytes", $"at most the {cursor.Remaining} left in the file");
            }

            RequireModest(cursor, field, (long)length);
            byte* start = cursor.Take((long)length, field);
            starts[i] = (int)(start - first);
        }

        // One past the last entry is where the bytes of a next one would start.
        long bytes = cursor.Take(0, field) - first;
        starts[count] = (int)bytes + sizeof(ulong);
        return GgufValue.FromStrings(new GgufStringArray(new ReadOnlySpan<byte>(first, (int)bytes).ToArray(), starts));
    }

    /// <summary>Keeps all metadata below a size that no real model comes near, also where the file is larger than memory (a sparse one costs nothing to make).</summary>
    private static void RequireModest(GgufCursor cursor, in GgufField field, long bytes)
    {
        if (bytes > MaxBytes - cursor.Position)
        {
            throw cursor.Fail(field, $"{bytes} bytes at offset {cursor.Position}", $"metadata within the first {MaxBytes} bytes of the file");
        }
    }
}
