namespace LlmServe.Gguf;

/// <summary>Type of a metadata value, with the number that GGUF files store.</summary>
public enum GgufValueType : uint
{
    UInt8 = 0, Int8 = 1, UInt16 = 2, Int16 = 3, UInt32 = 4, Int32 = 5, Float32 = 6, Bool = 7, String = 8, Array = 9,
    UInt64 = 10, Int64 = 11, Float64 = 12,
}

/// <summary>Sizes of metadata values.</summary>
internal static class GgufValueTypes
{
    /// <summary>The allowed numbers, for messages.</summary>
    public const string Allowed = "0 to 12 (u8, i8, u16, i16, u32, i32, f32, bool, string, array, u64, i64, f64)";

    /// <summary>True for one of the thirteen numbers.</summary>
    public static bool IsKnown(GgufValueType type) => type <= GgufValueType.Float64;

    /// <summary>Bytes of one value, or 0 for strings and arrays, whose size varies.</summary>
    public static int SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };

    /// <summary>True for the eight integer types.</summary>
    public static bool IsInteger(GgufValueType type) => SizeOf(type) > 0
        && type is not (GgufValueType.Bool or GgufValueType.Float32 or GgufValueType.Float64);
}
