using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace LlmServe.Gguf;

/// <summary>
/// One metadata value: a number, a bool, a string, or an array of values of one type (which may be arrays again). Immutable, and independent of
/// the file it came from. Numbers are kept as stored, so writing a value that was read gives the same bytes.
/// </summary>
public sealed class GgufValue
{
    private readonly ulong _bits;
    private readonly object? _payload;

    private GgufValue(GgufValueType type, ulong bits, object? payload, GgufValueType elementType = default, int count = 1)
    {
        Type = type;
        _bits = bits;
        _payload = payload;
        ElementType = elementType;
        Count = count;
    }

    /// <summary>The type as stored.</summary>
    public GgufValueType Type { get; }

    /// <summary>Type of an array's elements; meaningless for other types.</summary>
    public GgufValueType ElementType { get; }

    /// <summary>Elements of an array; 1 for other types.</summary>
    public int Count { get; }

    /// <summary>True for arrays.</summary>
    public bool IsArray => Type == GgufValueType.Array;

    /// <summary>The type in words, for messages: <c>u32</c>, <c>array of string</c>.</summary>
    public string TypeName => IsArray ? $"array of {NameOf(ElementType)}" : NameOf(Type);

    /// <summary>Element of an array.</summary>
    /// <exception cref="InvalidOperationException">Not an array.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No such element.</exception>
    public GgufValue this[int index]
    {
        get
        {
            if (!IsArray)
            {
                throw new InvalidOperationException($"A value of type {TypeName} has no elements.");
            }

            ArgumentOutOfRangeException.ThrowIfNegative(index);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return _payload switch
            {
                GgufStringArray strings => FromUtf8(strings.BytesOf(index).ToArray()),
                GgufValue[] nested => nested[index],
                _ => Scalar(ElementType, ElementBits(index)),
            };
        }
    }

    /// <summary>The bytes of a string, as stored.</summary>
    public bool TryGetUtf8(out ReadOnlySpan<byte> bytes)
    {
        bytes = Type == GgufValueType.String ? (byte[])_payload! : default;
        return Type == GgufValueType.String;
    }

    /// <summary>A string, with U+FFFD for bytes that are not UTF-8.</summary>
    public bool TryGetString(out string text)
    {
        bool found = TryGetUtf8(out var bytes);
        text = found ? Encoding.UTF8.GetString(bytes) : "";
        return found;
    }

    /// <summary>An array of strings.</summary>
    public bool TryGetStrings(out GgufStringArray strings)
    {
        strings = _payload as GgufStringArray ?? Empty;
        return _payload is GgufStringArray;
    }

    /// <summary>An integer of any of the eight types that fits in 64 signed bits.</summary>
    public bool TryGetInt64(out long number)
    {
        number = (long)_bits;
        return GgufValueTypes.IsInteger(Type) && (Type != GgufValueType.UInt64 || number >= 0);
    }

    /// <summary>A number of any type as binary64; integers above 2^53 are rounded.</summary>
    public bool TryGetDouble(out double number)
    {
        number = ToDouble(Type, _bits);
        return Type is GgufValueType.Float32 or GgufValueType.Float64 || GgufValueTypes.IsInteger(Type);
    }

    /// <summary>A bool.</summary>
    public bool TryGetBool(out bool flag)
    {
        flag = _bits != 0;
        return Type == GgufValueType.Bool;
    }

    /// <summary>An array of integers of any of the eight types, each fitting in 32 signed bits.</summary>
    public bool TryGetInt32s(out int[] numbers)
    {
        numbers = [];
        if (!IsArray || !GgufValueTypes.IsInteger(ElementType))
        {
            return false;
        }

        var all = new int[Count];
        for (int i = 0; i < all.Length; i++)
        {
            long element = (long)ElementBits(i);
            if (element is < int.MinValue or > int.MaxValue)
            {
                return false;
            }

            all[i] = (int)element;
        }

        numbers = all;
        return true;
    }

    /// <summary>An array of numbers of any type, each rounded to binary32.</summary>
    public bool TryGetSingles(out float[] numbers)
    {
        numbers = [];
        if (!IsArray || GgufValueTypes.SizeOf(ElementType) == 0 || ElementType == GgufValueType.Bool)
        {
            return false;
        }

        numbers = new float[Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            numbers[i] = (float)ToDouble(ElementType, ElementBits(i));
        }

        return true;
    }

    /// <summary>For people: strings in quotes, arrays with their length and first elements.</summary>
    public override string ToString() => Type switch
    {
        GgufValueType.String => TryGetString(out string text) ? GgufException.Quote(text) : "",
        GgufValueType.Bool => _bits != 0 ? "true" : "false",
        GgufValueType.UInt64 => _bits.ToString(CultureInfo.InvariantCulture),
        GgufValueType.Float32 => BitConverter.UInt32BitsToSingle((uint)_bits).ToString("R", CultureInfo.InvariantCulture),
        GgufValueType.Float64 => BitConverter.UInt64BitsToDouble(_bits).ToString("R", CultureInfo.InvariantCulture),
        GgufValueType.Array => $"{NameOf(ElementType)}[{Count}] {{ {string.Join(", ", FirstElements())} }}",
        _ => ((long)_bits).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>A u8.</summary>
    public static GgufValue Of(byte value) => Scalar(GgufValueType.UInt8, value);

    /// <summary>An i8.</summary>
    public static GgufValue Of(sbyte value) => Scalar(GgufValueType.Int8, (ulong)value);

    /// <summary>A u16.</summary>
    public static GgufValue Of(ushort value) => Scalar(GgufValueType.UInt16, value);

    /// <summary>An i16.</summary>
    public static GgufValue Of(short value) => Scalar(GgufValueType.Int16, (ulong)value);

    /// <summary>A u32.</summary>
    public static GgufValue Of(uint value) => Scalar(GgufValueType.UInt32, value);

    /// <summary>An i32.</summary>
    public static GgufValue Of(int value) => Scalar(GgufValueType.Int32, (ulong)value);

    /// <summary>A u64.</summary>
    public static GgufValue Of(ulong value) => Scalar(GgufValueType.UInt64, value);

    /// <summary>An i64.</summary>
    public static GgufValue Of(long value) => Scalar(GgufValueType.Int64, (ulong)value);

    /// <summary>An f32.</summary>
    public static GgufValue Of(float value) => Scalar(GgufValueType.Float32, BitConverter.SingleToUInt32Bits(value));

    /// <summary>An f64.</summary>
    public static GgufValue Of(double value) => Scalar(GgufValueType.Float64, BitConverter.DoubleToUInt64Bits(value));

    /// <summary>A bool.</summary>
    public static GgufValue Of(bool value) => Scalar(GgufValueType.Bool, value ? 1u : 0u);

    /// <summary>A string, stored as UTF-8.</summary>
    public static GgufValue Of(string value) => FromUtf8(Encoding.UTF8.GetBytes(value));

    /// <summary>A string given as bytes, which need not be UTF-8. The array is kept, not copied.</summary>
    public static GgufValue FromUtf8(byte[] bytes) => new(GgufValueType.String, 0, bytes);

    /// <summary>An array of strings.</summary>
    public static GgufValue Of(IReadOnlyList<string> items) => FromUtf8(items.Select(Encoding.UTF8.GetBytes).ToList());

    /// <summary>An array of strings given as bytes, which need not be UTF-8.</summary>
    public static GgufValue FromUtf8(IReadOnlyList<byte[]> items) => FromStrings(GgufStringArray.FromBytes(items));

    /// <summary>An array of i32.</summary>
    public static GgufValue Of(ReadOnlySpan<int> items) => FromRaw(GgufValueType.Int32, MemoryMarshal.AsBytes(items).ToArray());

    /// <summary>An array of f32.</summary>
    public static GgufValue Of(ReadOnlySpan<float> items) => FromRaw(GgufValueType.Float32, MemoryMarshal.AsBytes(items).ToArray());

    /// <summary>An array of values that all have the given type.</summary>
    /// <exception cref="ArgumentException">An item has another type.</exception>
    public static GgufValue ArrayOf(GgufValueType elementType, IReadOnlyList<GgufValue> items)
    {
        foreach (var item in items)
        {
            if (item.Type != elementType)
            {
                throw new ArgumentException($"An array of {NameOf(elementType)} cannot hold a value of type {item.TypeName}.", nameof(items));
            }
        }

        if (elementType == GgufValueType.Array)
        {
            return FromNested(items.ToArray());
        }

        if (elementType == GgufValueType.String)
        {
            return FromUtf8(items.Select(item => (byte[])item._payload!).ToList());
        }

        int size = GgufValueTypes.SizeOf(elementType);
        byte[] raw = new byte[checked(items.Count * size)];
        Span<byte> wide = stackalloc byte[8];
        for (int i = 0; i < items.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(wide, items[i]._bits);
            wide[..size].CopyTo(raw.AsSpan(i * size));
        }

        return FromRaw(elementType, raw);
    }

    internal static GgufValue Scalar(GgufValueType type, ulong bits) => new(type, bits, null);

    internal static GgufValue FromStrings(GgufStringArray strings) => new(GgufValueType.Array, 0, strings, GgufValueType.String, strings.Count);

    internal static GgufValue FromNested(GgufValue[] items) => new(GgufValueType.Array, 0, items, GgufValueType.Array, items.Length);

    internal static GgufValue FromRaw(GgufValueType elementType, byte[] raw) =>
        new(GgufValueType.Array, 0, raw, elementType, raw.Length / GgufValueTypes.SizeOf(elementType));

    /// <summary>Reads a fixed-size value: integers extended to 64 bits by their sign, floats as their bit pattern.</summary>
    internal static ulong ReadBits(GgufValueType type, ReadOnlySpan<byte> bytes) => type switch
    {
        GgufValueType.Int8 => (ulong)(sbyte)bytes[0],
        GgufValueType.Int16 => (ulong)BinaryPrimitives.ReadInt16LittleEndian(bytes),
        GgufValueType.Int32 => (ulong)BinaryPrimitives.ReadInt32LittleEndian(bytes),
        GgufValueType.UInt16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        GgufValueType.UInt32 or GgufValueType.Float32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
        _ => bytes[0],
    };

    /// <summary>The type's name in messages and listings.</summary>
    internal static string NameOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 => "u8",
        GgufValueType.Int8 => "i8",
        GgufValueType.UInt16 => "u16",
        GgufValueType.Int16 => "i16",
        GgufValueType.UInt32 => "u32",
        GgufValueType.Int32 => "i32",
        GgufValueType.UInt64 => "u64",
        GgufValueType.Int64 => "i64",
        GgufValueType.Float32 => "f32",
        GgufValueType.Float64 => "f64",
        _ => type.ToString().ToLowerInvariant(),
    };

    /// <summary>Bits of a number or bool, bytes of a string, elements of an array: what the writer needs.</summary>
    internal (ulong Bits, object? Payload) Stored => (_bits, _payload);

    private static GgufStringArray Empty { get; } = GgufStringArray.FromBytes([]);

    private ulong ElementBits(int index)
    {
        int size = GgufValueTypes.SizeOf(ElementType);
        return ReadBits(ElementType, ((byte[])_payload!).AsSpan(index * size, size));
    }

    private static double ToDouble(GgufValueType type, ulong bits) => type switch
    {
        GgufValueType.Float32 => BitConverter.UInt32BitsToSingle((uint)bits),
        GgufValueType.Float64 => BitConverter.UInt64BitsToDouble(bits),
        GgufValueType.UInt64 => bits,
        _ => (long)bits,
    };

    private IEnumerable<string> FirstElements()
    {
        const int Shown = 8;
        for (int i = 0; i < Math.Min(Count, Shown); i++)
        {
            yield return this[i].ToString();
        }

        if (Count > Shown)
        {
            yield return "…";
        }
    }
}
