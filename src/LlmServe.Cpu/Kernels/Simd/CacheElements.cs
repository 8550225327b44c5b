using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// How keys and values stand in the cache, in groups of 16 elements of a row. Numbers come out divided by <see cref="Factor"/>, which whoever multiplies
/// them puts into the other operand: a power of two, so that no bit changes.
/// </summary>
internal unsafe interface ICacheElement
{
    /// <summary>Bytes of an element.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether groups have a scale each; the address of a scale is not used otherwise.</summary>
    static abstract bool HasScales { get; }

    /// <summary>What a number must be multiplied by.</summary>
    static abstract float Factor { get; }

    /// <summary>Elements 0 … 7 of a group.</summary>
    static abstract Vector256<float> Low(byte* group, float* scale);

    /// <summary>Elements 8 … 15 of a group.</summary>
    static abstract Vector256<float> High(byte* group, float* scale);

    /// <summary>32 elements of a position, in an order of their own. AVX-512.</summary>
    static abstract (Vector512<float> First, Vector512<float> Second) Row(byte* group, float* scale);

    /// <summary>Puts what <see cref="Row"/> gave, or sums of it, in order.</summary>
    static abstract (Vector512<float> First, Vector512<float> Second) InOrder(Vector512<float> first, Vector512<float> second);
}

/// <summary>Interleaved binary16: a shift makes the value times 2^−112.</summary>
internal readonly unsafe struct ShiftedHalf : ICacheElement
{
    public static int Bytes => 2;

    public static bool HasScales => false;

    public static float Factor => VectorMath.HalfScale;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group, float* scale) => AttentionParts.LowHalves(Vector256.Load((int*)group));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group, float* scale) => AttentionParts.HighHalves(Vector256.Load((int*)group));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Row(byte* group, float* scale)
    {
        // 2^13 times the lower half as a signed number is what two shifts would give.
        var words = Vector512.Load((int*)group);
        var mask = Vector512.Create(unchecked((int)0x8fffe000));
        return ((Avx512BW.MultiplyAddAdjacent(words.AsInt16(), Vector512.Create(1 << 13).AsInt16()) & mask).AsSingle(), ((words >> 3) & mask).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) InOrder(Vector512<float> first, Vector512<float> second) =>
        (Avx512F.Shuffle4x128(first, second, 0x44), Avx512F.Shuffle4x128(first, second, 0xee));
}

/// <summary>Interleaved binary16, widened: for queries that 2^112 would make infinite.</summary>
internal readonly unsafe struct WidenedHalf : ICacheElement
{
    public static int Bytes => 2;

    public static bool HasScales => false;

    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group, float* scale) => ShiftedHalf.Low(group, scale) * Vector256.Create(VectorMath.HalfScale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group, float* scale) => ShiftedHalf.High(group, scale) * Vector256.Create(VectorMath.HalfScale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Row(byte* group, float* scale)
    {
        var (first, second) = ShiftedHalf.Row(group, scale);
        return (first * Vector512.Create(VectorMath.HalfScale), second * Vector512.Create(VectorMath.HalfScale));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) InOrder(Vector512<float> first, Vector512<float> second) => ShiftedHalf.InOrder(first, second);
}

/// <summary>Plain f32.</summary>
internal readonly unsafe struct PlainSingle : ICacheElement
{
    public static int Bytes => 4;

    public static bool HasScales => false;

    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group, float* scale) => Vector256.Load((float*)group);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group, float* scale) => Vector256.Load((float*)group + 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Row(byte* group, float* scale) =>
        (Vector512.Load((float*)group), Vector512.Load((float*)group + 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) InOrder(Vector512<float> first, Vector512<float> second) => (first, second);
}

/// <summary>Signed bytes with a scale; the product of an 11-bit and an 8-bit number is exact.</summary>
internal readonly unsafe struct ScaledByte : ICacheElement
{
    public static int Bytes => 1;

    public static bool HasScales => true;

    public static float Factor => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Low(byte* group, float* scale) => Vector256.ConvertToSingle(Widen((sbyte*)group)) * Vector256.Create(*scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> High(byte* group, float* scale) => Low(group + 8, scale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) Row(byte* group, float* scale)
    {
        // Both groups have the scale of their run of 32.
        var both = Vector512.Create(*scale);
        return (Widen(Vector128.Load((long*)group)) * both, Widen(Vector128.Load((long*)group + 2)) * both);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector512<float> First, Vector512<float> Second) InOrder(Vector512<float> first, Vector512<float> second) => (first, second);

    /// <summary>The scales of a panel in f32, one for each group of 16 elements. widened: [32 positions][stride / 16]</summary>
    public static void WidenScales(in PanelLayout layout, byte* panel, float* widened)
    {
        byte* scales = (byte*)layout.Scales(panel, 0);
        for (int i = 0; i < layout.Stride; i += 8)
        {
            // 32 positions with a scale for 32 elements: as many scales as a row has elements.
            var eight = VectorMath.LoadHalves(scales + (i * sizeof(ushort)));
            Vector256.Shuffle(eight, Vector256.Create(0, 0, 1, 1, 2, 2, 3, 3)).Store(widened + (2 * i));
            Vector256.Shuffle(eight, Vector256.Create(4, 4, 5, 5, 6, 6, 7, 7)).Store(widened + (2 * i) + 8);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector128<long> bytes) => Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes.AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Widen(sbyte* source)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.ConvertToVector256Int32(source);
        }

        var (low, high) = Vector128.Widen(Vector128.WidenLower(Vector64.Load(source).ToVector128()));
        return Vector256.Create(low, high);
    }
}
