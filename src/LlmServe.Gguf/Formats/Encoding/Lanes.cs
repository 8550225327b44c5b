using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>
/// Arithmetic on 16 blocks side by side, one a lane. Nothing is ever summed over lanes, so the bits are those of scalar code on every
/// processor: what an encoder chooses does not depend on the machine.
/// </summary>
internal static unsafe class Lanes
{
    /// <summary>Blocks side by side.</summary>
    public const int Count = 16;

    private const float LargestHalf = 65504;

    /// <summary>Adding and subtracting it rounds |x| below 2^22 to the nearest integer, ties to even.</summary>
    private const float Magic = 12582912; // 1.5 · 2^23

    /// <summary>The nearest integers, ties to even, of numbers below 2^22.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Round(V x) => x + Vector512.Create(Magic) - Vector512.Create(Magic);

    /// <summary>1 / x, or 0 where x is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Inverse(V x) => Vector512.ConditionalSelect(Vector512.Equals(x, V.Zero), V.Zero, V.One / x);

    /// <summary>a / b, or <paramref name="otherwise"/> where b is not above 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Quotient(V a, V b, V otherwise) => Vector512.ConditionalSelect(Vector512.GreaterThan(b, V.Zero), a / b, otherwise);

    /// <summary>x within bounds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Clamp(V x, V least, V most) => Vector512.MinNative(Vector512.MaxNative(x, least), most);

    /// <summary>The scales of a format that are nearest: what can be stored, not beyond its largest one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V RoundScale<TBlock>(V x) where TBlock : unmanaged, IBlockFormat<TBlock> => TBlock.ScaleType switch
    {
        ScaleType.E8M0 => RoundPower(x),
        ScaleType.UE4M3 => RoundE4M3(x),
        _ when TBlock.ScaleExponent != 0 =>
            RoundHalf(x * Vector512.Create(MathF.ScaleB(1, -TBlock.ScaleExponent))) * Vector512.Create(MathF.ScaleB(1, TBlock.ScaleExponent)),
        _ => RoundHalf(x),
    };

    /// <summary>The nearest binary16 numbers, ties to even; what is too large becomes the largest finite one.</summary>
    public static V RoundHalf(V x)
    {
        x = Clamp(x, Vector512.Create(-LargestHalf), Vector512.Create(LargestHalf));
        var normal = RoundMantissa(x, 13);

        // Below 2^-14 a binary16 is a multiple of 2^-24, as an f32 between ½ and 1 is.
        var magnitude = Vector512.Abs(x);
        var small = Vector512.CopySign(magnitude + Vector512.Create(0.5f) - Vector512.Create(0.5f), x);
        return Vector512.ConditionalSelect(Vector512.LessThan(magnitude, Vector512.Create(6.103515625e-05f)), small, normal);
    }

    /// <summary>The power of two whose multiples of it below 1½ are nearest, from 2^-126 on; 0 stays 0.</summary>
    private static V RoundPower(V x)
    {
        var bits = (x.AsInt32() + Vector512.Create(0x00400000)) & Vector512.Create(0x7f800000);
        return Vector512.MinNative(bits.AsSingle(), Vector512.Create(MathF.ScaleB(1, 126)));
    }

    /// <summary>Half of the nearest unsigned number of four bits of exponent and three of mantissa.</summary>
    private static V RoundE4M3(V x)
    {
        x = Clamp(x, V.Zero, Vector512.Create(224f));
        var normal = RoundMantissa(x, 20);
        var small = x + Vector512.Create(12288f) - Vector512.Create(12288f); // 1.5 · 2^13: steps of 2^-10
        return Vector512.ConditionalSelect(Vector512.LessThan(x, Vector512.Create(1f / 128)), small, normal);
    }

    /// <summary>Rounds away the lowest bits of mantissas, ties to even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V RoundMantissa(V x, int bits)
    {
        var value = x.AsInt32();
        var odd = Vector512.ShiftRightLogical(value, bits) & Vector512<int>.One;
        return ((value + odd + Vector512.Create((1 << (bits - 1)) - 1)) & Vector512.Create(-1 << bits)).AsSingle();
    }

    /// <summary>The number of largest magnitude, with its sign; the first of equals.</summary>
    public static V Extreme(V* x, int count)
    {
        var extreme = V.Zero;
        for (int i = 0; i < count; i++)
        {
            extreme = Vector512.ConditionalSelect(Vector512.GreaterThan(Vector512.Abs(x[i]), Vector512.Abs(extreme)), x[i], extreme);
        }

        return extreme;
    }

    /// <summary>Copies numbers of up to 16 blocks into lanes; lanes without a block are 0. x: [count]</summary>
    public static void Gather(float* source, int stride, int blocks, int count, V* x)
    {
        float* target = (float*)x;
        if (blocks < Count)
        {
            new Span<float>(target, count * Count).Clear();
        }

        for (int block = 0; block < blocks; block++)
        {
            for (int i = 0; i < count; i++)
            {
                target[(i * Count) + block] = source[((nint)block * stride) + i];
            }
        }
    }
}
