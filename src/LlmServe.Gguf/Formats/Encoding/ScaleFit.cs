using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>A scale and a minimum for a run of weights of each lane, found by trying: value = scale · code − minimum.</summary>
/// <typeparam name="TLevels">The codes.</typeparam>
internal static unsafe class ScaleFit<TLevels> where TLevels : struct, ILevels
{
    /// <summary>Σ w · (x − scale · nearest code)², and the scale that is best for these codes (least squares).</summary>
    public static V Error(V* x, V* w, int count, V scale, out V better)
    {
        V inverse = Lanes.Inverse(scale), error = V.Zero, product = V.Zero, square = V.Zero;
        for (int i = 0; i < count; i++)
        {
            var code = TLevels.Nearest(x[i] * inverse);
            var rest = x[i] - (scale * code);
            error = Vector512.FusedMultiplyAdd(w[i] * rest, rest, error);
            var weighted = w[i] * code;
            product = Vector512.FusedMultiplyAdd(weighted, x[i], product);
            square = Vector512.FusedMultiplyAdd(weighted, code, square);
        }

        better = Lanes.Quotient(product, square, scale);
        return error;
    }

    /// <summary>The same error alone.</summary>
    public static V Error(V* x, V* w, int count, V scale)
    {
        V inverse = Lanes.Inverse(scale), error = V.Zero;
        for (int i = 0; i < count; i++)
        {
            var rest = x[i] - (scale * TLevels.Nearest(x[i] * inverse));
            error = Vector512.FusedMultiplyAdd(w[i] * rest, rest, error);
        }

        return error;
    }

    /// <summary>Σ w · (x + minimum − scale · nearest code)², and what is best for these codes.</summary>
    public static V Error(V* x, V* w, int count, V scale, V minimum, bool signed, out V betterScale, out V betterMinimum)
    {
        V inverse = Lanes.Inverse(scale), error = V.Zero;
        V sw = V.Zero, sx = V.Zero, sq = V.Zero, sxq = V.Zero, sqq = V.Zero;
        for (int i = 0; i < count; i++)
        {
            var code = TLevels.Nearest((x[i] + minimum) * inverse);
            var rest = x[i] + minimum - (scale * code);
            error = Vector512.FusedMultiplyAdd(w[i] * rest, rest, error);
            V wq = w[i] * code, wx = w[i] * x[i];
            sw += w[i];
            sx += wx;
            sq += wq;
            sxq = Vector512.FusedMultiplyAdd(wq, x[i], sxq);
            sqq = Vector512.FusedMultiplyAdd(wq, code, sqq);
        }

        var determinant = (sw * sqq) - (sq * sq);
        betterScale = Lanes.Quotient((sw * sxq) - (sq * sx), determinant, scale);
        betterMinimum = Lanes.Quotient((betterScale * sq) - sx, sw, minimum);
        if (!signed)
        {
            // A minimum is a magnitude to subtract; where it would be negative, there is none.
            var none = Vector512.LessThan(betterMinimum, V.Zero);
            betterScale = Vector512.ConditionalSelect(none, Lanes.Quotient(sxq, sqq, scale), betterScale);
            betterMinimum = Vector512.ConditionalSelect(none, V.Zero, betterMinimum);
        }

        return error;
    }

    /// <summary>The same error alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Error(V* x, V* w, int count, V scale, V minimum)
    {
        V inverse = Lanes.Inverse(scale), error = V.Zero;
        for (int i = 0; i < count; i++)
        {
            var rest = x[i] + minimum - (scale * TLevels.Nearest((x[i] + minimum) * inverse));
            error = Vector512.FusedMultiplyAdd(w[i] * rest, rest, error);
        }

        return error;
    }
}
