using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using LlmServe.Cpu.Execution;
using LlmServe.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>What the attention kernels share.</summary>
internal static unsafe class AttentionParts
{
    /// <summary>Positions that form an attention segment.</summary>
    public const int Segment = AttentionSegment.Positions;

    /// <summary>Positions of a block.</summary>
    public const int Positions = KvBlock.Positions;

    /// <summary>Largest head handled.</summary>
    public const int LargestHead = 1024;

    /// <summary>Elements that form a segment of a float dot product.</summary>
    public const int DotSegment = 256;

    /// <summary>Whether head sizes and layouts are among those handled; the scalar kernel takes the rest.</summary>
    public static bool CanHandle(in CacheLayout cache) => CanHandle(cache.Keys) && CanHandle(cache.Values);

    private static bool CanHandle(in PanelLayout layout) =>
        layout.Size % 16 == 0 && layout.Stride <= LargestHead && (layout.Element != KvElement.F16 || layout.IsInterleaved);

    /// <summary>Joins eight accumulator vectors, each by the tree that ends a float dot product: lane i is the sum of vector i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> JoinEight(
        Vector256<float> a0, Vector256<float> a1, Vector256<float> a2, Vector256<float> a3,
        Vector256<float> a4, Vector256<float> a5, Vector256<float> a6, Vector256<float> a7)
    {
        if (!Avx.IsSupported)
        {
            return Vector256.Create(JoinFour(a0, a1, a2, a3), JoinFour(a4, a5, a6, a7));
        }

        var c0 = Avx.Permute2x128(a0, a4, 0x20) + Avx.Permute2x128(a0, a4, 0x31);
        var c1 = Avx.Permute2x128(a1, a5, 0x20) + Avx.Permute2x128(a1, a5, 0x31);
        var c2 = Avx.Permute2x128(a2, a6, 0x20) + Avx.Permute2x128(a2, a6, 0x31);
        var c3 = Avx.Permute2x128(a3, a7, 0x20) + Avx.Permute2x128(a3, a7, 0x31);
        var d0 = Avx.Shuffle(c0, c1, 0x44) + Avx.Shuffle(c0, c1, 0xee);
        var d1 = Avx.Shuffle(c2, c3, 0x44) + Avx.Shuffle(c2, c3, 0xee);
        return Avx.Shuffle(d0, d1, 0x88) + Avx.Shuffle(d0, d1, 0xdd);
    }

    /// <summary>The same for four, with NEON.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> JoinFour(Vector256<float> a0, Vector256<float> a1, Vector256<float> a2, Vector256<float> a3)
    {
        var c0 = a0.GetLower() + a0.GetUpper();
        var c1 = a1.GetLower() + a1.GetUpper();
        var c2 = a2.GetLower() + a2.GetUpper();
        var c3 = a3.GetLower() + a3.GetUpper();
        var d0 = Vector128.Create(c0.GetLower(), c1.GetLower()) + Vector128.Create(c0.GetUpper(), c1.GetUpper());
        var d1 = Vector128.Create(c2.GetLower(), c3.GetLower()) + Vector128.Create(c2.GetUpper(), c3.GetUpper());
        return AdvSimd.Arm64.AddPairwise(d0, d1);
    }

    /// <summary>The rows of a cache panel as f32: widened into <paramref name="widened"/>, or where they are. [count, stride]</summary>
    [SkipLocalsInit]
    public static float* Widen(in PanelLayout layout, byte* panel, int count, float* widened)
    {
        int size = layout.Stride;
        if (layout.Element == KvElement.F32)
        {
            return (float*)panel;
        }

        if (layout.Element == KvElement.Q8_0)
        {
            float* scales = stackalloc float[Positions * LargestHead / 16];
            ScaledByte.WidenScales(layout, panel, scales);
            for (int i = 0; i < count * size; i += 16)
            {
                ScaledByte.Low(panel + i, scales + (i / 16)).Store(widened + i);
                ScaledByte.High(panel + i, scales + (i / 16)).Store(widened + i + 8);
            }

            return widened;
        }

        var scale = Vector256.Create(VectorMath.HalfScale);
        for (int i = 0; i < count * size; i += 16)
        {
            var words = Vector256.Load((int*)(panel + (2 * i)));
            Vector256.FusedMultiplyAdd(LowHalves(words), scale, Vector256<float>.Zero).Store(widened + i);
            Vector256.FusedMultiplyAdd(HighHalves(words), scale, Vector256<float>.Zero).Store(widened + i + 8);
        }

        return widened;
    }

    /// <summary>The lower binary16 of each word, times 2^−112.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LowHalves(Vector256<int> words) => (((words << 16) >> 3) & Vector256.Create(unchecked((int)0x8fffe000))).AsSingle();

    /// <summary>The upper binary16 of each word, times 2^−112.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> HighHalves(Vector256<int> words) => ((words >> 3) & Vector256.Create(unchecked((int)0x8fffe000))).AsSingle();

    /// <summary>o = o · c + t.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Accumulate(float* o, Vector256<float> c, Vector256<float> t) => Vector256.FusedMultiplyAdd(Vector256.Load(o), c, t).Store(o);

    /// <summary>O = O · left + o · right over a head.</summary>
    public static void JoinSegment(float* whole, float left, float* segment, float right, int size)
    {
        var l = Vector256.Create(left);
        var r = Vector256.Create(right);
        for (int i = 0; i < size; i += 8)
        {
            Vector256.FusedMultiplyAdd(Vector256.Load(whole + i), l, Vector256.Load(segment + i) * r).Store(whole + i);
        }
    }

    /// <summary>o / l over a head.</summary>
    public static void Divide(float* o, float l, int size)
    {
        var divisor = Vector256.Create(l);
        for (int i = 0; i < size; i += 8)
        {
            (Vector256.Load(o + i) / divisor).Store(o + i);
        }
    }
}
