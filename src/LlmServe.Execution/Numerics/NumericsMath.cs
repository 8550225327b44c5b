using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LlmServe.Execution.Numerics;

/// <summary>
/// The functions of NUMERICS ("Functions"), operation by operation. Library functions are not used, because their last bit differs between platforms;
/// every backend and the sampler must give the bits of these.
/// </summary>
public static partial class NumericsMath
{
    /// <summary>Above this <see cref="Exp(float)"/> is +inf.</summary>
    public const float ExpOverflow = 88f;

    /// <summary>Below this <see cref="Exp(float)"/> is +0.</summary>
    public const float ExpUnderflow = -86.5f;

    // Nine decimal digits name one f32; the hexadecimal value beside each is the one in NUMERICS.
    private const float Log2E = 1.44269502f; // 0x1.715476p+0
    private const float RoundingShift = 12582912f; // 0x1.8p23
    private const float Ln2High = 0.693145752f; // 0x1.62e400p-1
    private const float Ln2Low = 1.42860677e-06f; // 0x1.7f7d1cp-20
    private const float C6 = 0.00137453259f; // 0x1.685352p-10
    private const float C5 = 0.00836894661f; // 0x1.123bd0p-7
    private const float C4 = 0.0416696481f; // 0x1.555b96p-5
    private const float C3 = 0.166665182f; // 0x1.55548ep-3
    private const float C2 = 0.499999881f; // 0x1.fffff8p-2

    /// <summary>e^x; less than one unit in the last place off.</summary>
    public static float Exp(float x)
    {
        if (float.IsNaN(x))
        {
            return x;
        }

        if (x > ExpOverflow)
        {
            return float.PositiveInfinity;
        }

        if (x < ExpUnderflow)
        {
            return 0f;
        }

        float n = MathF.FusedMultiplyAdd(x, Log2E, RoundingShift) - RoundingShift;
        float r = MathF.FusedMultiplyAdd(-n, Ln2High, x);
        r = MathF.FusedMultiplyAdd(-n, Ln2Low, r);
        float q = C6;
        q = MathF.FusedMultiplyAdd(q, r, C5);
        q = MathF.FusedMultiplyAdd(q, r, C4);
        q = MathF.FusedMultiplyAdd(q, r, C3);
        q = MathF.FusedMultiplyAdd(q, r, C2);
        float y = MathF.FusedMultiplyAdd(q, r * r, r) + 1f;
        return y * BitConverter.Int32BitsToSingle(((int)n + 127) << 23);
    }

    /// <summary><see cref="Exp(float)"/> of eight values, with the same bits.</summary>
    public static Vector256<float> Exp(Vector256<float> x)
    {
        var shift = Vector256.Create(RoundingShift);
        var n = Vector256.FusedMultiplyAdd(x, Vector256.Create(Log2E), shift) - shift;
        var minusN = -n;
        var r = Vector256.FusedMultiplyAdd(minusN, Vector256.Create(Ln2High), x);
        r = Vector256.FusedMultiplyAdd(minusN, Vector256.Create(Ln2Low), r);
        var q = Vector256.FusedMultiplyAdd(Vector256.Create(C6), r, Vector256.Create(C5));
        q = Vector256.FusedMultiplyAdd(q, r, Vector256.Create(C4));
        q = Vector256.FusedMultiplyAdd(q, r, Vector256.Create(C3));
        q = Vector256.FusedMultiplyAdd(q, r, Vector256.Create(C2));
        var y = Vector256.FusedMultiplyAdd(q, r * r, r) + Vector256.Create(1f);
        var power = Vector256.ShiftLeft(Vector256.ConvertToInt32(n) + Vector256.Create(127), 23).AsSingle();
        var result = y * power;
        result = Vector256.ConditionalSelect(
            Vector256.GreaterThan(x, Vector256.Create(ExpOverflow)), Vector256.Create(float.PositiveInfinity), result);
        result = Vector256.ConditionalSelect(Vector256.LessThan(x, Vector256.Create(ExpUnderflow)), Vector256<float>.Zero, result);
        return Vector256.ConditionalSelect(Vector256.Equals(x, x), result, x);
    }

    /// <summary><see cref="Exp(float)"/> of sixteen values, with the same bits; AVX-512.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Exp(Vector512<float> x)
    {
        var shift = Vector512.Create(RoundingShift);
        var n = Avx512F.FusedMultiplyAdd(x, Vector512.Create(Log2E), shift) - shift;
        var r = Avx512F.FusedMultiplyAddNegated(n, Vector512.Create(Ln2High), x);
        r = Avx512F.FusedMultiplyAddNegated(n, Vector512.Create(Ln2Low), r);
        var q = Avx512F.FusedMultiplyAdd(Vector512.Create(C6), r, Vector512.Create(C5));
        q = Avx512F.FusedMultiplyAdd(q, r, Vector512.Create(C4));
        q = Avx512F.FusedMultiplyAdd(q, r, Vector512.Create(C3));
        q = Avx512F.FusedMultiplyAdd(q, r, Vector512.Create(C2));

        // The instruction for y · 2^n rounds once, and n is an integer.
        var result = Avx512F.Scale(Avx512F.FusedMultiplyAdd(q, r * r, r) + Vector512.Create(1f), n);
        result = Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512.Create(ExpOverflow)), Vector512.Create(float.PositiveInfinity), result);
        result = Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(ExpUnderflow)), Vector512<float>.Zero, result);
        return Vector512.ConditionalSelect(Vector512.Equals(x, x), result, x);
    }

    /// <summary><see cref="Exp(float)"/> of every element, with the same bits.</summary>
    /// <param name="x">Arguments. [n]</param>
    /// <param name="y">Results; may be <paramref name="x"/> itself. [at least n]</param>
    public static void Exp(ReadOnlySpan<float> x, Span<float> y)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(y.Length, x.Length);
        ref float from = ref MemoryMarshal.GetReference(x);
        ref float to = ref MemoryMarshal.GetReference(y);
        int i = 0;
        for (; i <= x.Length - Vector256<float>.Count; i += Vector256<float>.Count)
        {
            Exp(Vector256.LoadUnsafe(ref from, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        }

        for (; i < x.Length; i++)
        {
            y[i] = Exp(x[i]);
        }
    }
}
