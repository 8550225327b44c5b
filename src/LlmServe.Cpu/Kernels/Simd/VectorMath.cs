using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Float dot products and conversions with eight f32 a vector, which is what the numerics' eight accumulators fill. Where vectors have four, the runtime
/// takes two of them; what it has no portable name for stands here in both forms.
/// </summary>
internal static unsafe class VectorMath
{
    private const int Segment = 256;

    /// <summary>2^112: what moves the bits of a binary16, shifted into an f32, to their value.</summary>
    public const float HalfScale = 5.192296858534828e33f;

    /// <summary>Float dot product (docs/numerics.md).</summary>
    public static float Dot(float* x, float* y, int length)
    {
        var total = Vector256<float>.Zero;
        for (int segment = 0; segment < length; segment += Segment)
        {
            int end = Math.Min(length, segment + Segment);
            var acc = Vector256<float>.Zero;
            int i = segment;
            for (; i <= end - 8; i += 8)
            {
                acc = Vector256.FusedMultiplyAdd(Vector256.Load(x + i), Vector256.Load(y + i), acc);
            }

            acc = Tail(x + i, y + i, end - i, acc);
            total = segment == 0 ? acc : total + acc;
        }

        return Join(total);
    }

    /// <summary>Sum of a row in the order of <see cref="Dot"/>.</summary>
    public static float Sum(float* x, int length)
    {
        var total = Vector256<float>.Zero;
        for (int segment = 0; segment < length; segment += Segment)
        {
            int end = Math.Min(length, segment + Segment);
            var acc = Vector256<float>.Zero;
            int i = segment;
            for (; i <= end - 8; i += 8)
            {
                acc += Vector256.Load(x + i);
            }

            for (int j = 0; i + j < end; j++)
            {
                acc = acc.WithElement(j, acc.GetElement(j) + x[i + j]);
            }

            total = segment == 0 ? acc : total + acc;
        }

        return Join(total);
    }

    /// <summary>((a0+a4)+(a2+a6)) + ((a1+a5)+(a3+a7)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Join(Vector256<float> a)
    {
        var four = a.GetLower() + a.GetUpper();
        var two = four + UpperTwo(four);
        return two.ToScalar() + two.GetElement(1);
    }

    /// <summary>The upper two of four in the lower places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> UpperTwo(Vector128<float> a) => Sse.IsSupported ? Sse.MoveHighToLow(a, a) : Vector128.Create(a.GetUpper(), a.GetUpper());

    /// <summary>a &gt; b ? a : b.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) =>
        Avx.IsSupported ? Avx.Max(a, b) : Vector256.ConditionalSelect(Vector256.GreaterThan(a, b), a, b);

    /// <summary>The same for four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.Max(a, b) : Vector128.ConditionalSelect(Vector128.GreaterThan(a, b), a, b);

    /// <summary>Nearest integers, ties to even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Round(Vector256<float> a) =>
        Avx.IsSupported ? Avx.ConvertToVector256Int32(a) : Vector256.ConvertToInt32(Vector256.Round(a));

    /// <summary>Eight 16-bit numbers, widened.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> LoadWords(short* source)
    {
        if (Avx2.IsSupported)
        {
            return Avx2.ConvertToVector256Int32(source);
        }

        var (low, high) = Vector128.Widen(Vector128.Load(source));
        return Vector256.Create(low, high);
    }

    /// <summary>Eight binary16 values widened exactly.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalves(byte* source)
    {
        var bits = (LoadWords((short*)source) << 13) & Vector256.Create(unchecked((int)0x8fffe000));
        return Vector256.FusedMultiplyAdd(bits.AsSingle(), Vector256.Create(HalfScale), Vector256<float>.Zero);
    }

    /// <summary>f32 to binary16, nearest even, with infinities and NaN; the result's low 16 bits of each lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> ToHalves(Vector256<float> value)
    {
        var bits = value.AsInt32();
        var sign = (bits >>> 16) & Vector256.Create(0x8000);
        var magnitude = bits & Vector256.Create(0x7fffffff);

        // Normal results: rounding adds half a unit less one, and one more where the last kept bit is odd.
        var odd = (magnitude >>> 13) & Vector256.Create(1);
        var normal = (magnitude + Vector256.Create(0xfff - (112 << 23)) + odd) >>> 13;

        // Subnormal results: adding 0.5 lets the f32 adder round at the right place.
        var half = Vector256.Create(0.5f);
        var small = (magnitude.AsSingle() + half).AsInt32() - half.AsInt32();

        var isSmall = Vector256.LessThan(magnitude, Vector256.Create(113 << 23));
        var result = Vector256.ConditionalSelect(isSmall, small, normal);
        var isLarge = Vector256.GreaterThan(magnitude, Vector256.Create(0x477fefff));
        var isNan = Vector256.GreaterThan(magnitude, Vector256.Create(0x7f800000));
        result = Vector256.ConditionalSelect(isLarge, Vector256.Create(0x7c00), result);
        result = Vector256.ConditionalSelect(isNan, Vector256.Create(0x7e00), result);
        return result | sign;
    }

    private static Vector256<float> Tail(float* x, float* y, int count, Vector256<float> acc)
    {
        for (int i = 0; i < count; i++)
        {
            acc = acc.WithElement(i, MathF.FusedMultiplyAdd(x[i], y[i], acc.GetElement(i)));
        }

        return acc;
    }
}
