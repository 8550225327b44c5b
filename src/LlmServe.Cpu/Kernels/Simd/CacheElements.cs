using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// How keys and values stand in the cache, in groups of 16 elements of a row. Numbers come out divided by <see cref="Factor"/>, which whoever multiplies
/// them puts into the other operand: a power of two, so that no bit changes.
/// </summary>
internal unsafe interface ICacheElement
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Bytes { get; }

    /// <summary>What a number must be multiplied by.</summary>
    static abstract float Factor { get; }

    /// <summary>Elements 0 … 7 of a group.</summary>
    static abstract Vector256<float> Low(byte* group);

    /// <summary>Elements 8 … 15 of a group.</summary>
    static abstract Vector256<float> High(byte* group);
}

/// <summary>Interleaved binary16: a shift makes the value times 2^−112.</summary>
internal readonly unsafe struct ShiftedHalf : ICacheElement
{
    public static int Bytes => 2;

    public static float Factor => VectorMath.HalfScale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group) => AttentionParts.LowHalves(Vector256.Load((int*)group));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group) => AttentionParts.HighHalves(Vector256.Load((int*)group));
}

/// <summary>Interleaved binary16, widened: for queries that 2^112 would make infinite.</summary>
internal readonly unsafe struct WidenedHalf : ICacheElement
{
    public static int Bytes => 2;

    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group) => ShiftedHalf.Low(group) * Vector256.Create(VectorMath.HalfScale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group) => ShiftedHalf.High(group) * Vector256.Create(VectorMath.HalfScale);
}

/// <summary>Plain f32.</summary>
internal readonly unsafe struct PlainSingle : ICacheElement
{
    public static int Bytes => 4;

    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group) => Vector256.Load((float*)group);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group) => Vector256.Load((float*)group + 8);
}
