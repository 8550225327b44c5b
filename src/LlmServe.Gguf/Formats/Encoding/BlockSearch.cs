using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>
/// Chooses scales, minimums and codes of a scalar format for 16 blocks, by the kind of the format: several starts, each improved by least squares and
/// rounded to what can be stored, and of all the one with the smallest weighted squared error.
/// </summary>
internal static unsafe class BlockSearch<TBlock, TLevels>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TLevels : struct, ILevels
{
    /// <summary>Least-squares steps from each start.</summary>
    private const int Steps = 3;

    private static readonly float Reach = Math.Max(Math.Abs(TBlock.Codes.Least), Math.Abs(TBlock.Codes.Most));

    /// <summary>Whether it matters which end of the codes the largest weight takes, and the scale's sign is free.</summary>
    private static readonly bool HasTwoEnds = TBlock.ScaleType == ScaleType.Half && -TBlock.Codes.Least != TBlock.Codes.Most;

    /// <summary>Scales that are tried, as multiples of the one with which the largest weight takes the last code. Above 1 it takes an earlier one.</summary>
    private static readonly float[] Multiples = (TBlock.ScaleType, TBlock.CodeBits) switch
    {
        (ScaleType.E8M0, _) => [0.5f, 1, 2],
        (ScaleType.UE4M3, _) => [0.75f, 0.83f, 0.91f, 1, 1.1f, 1.2f, 1.35f, 1.5f, 1.75f, 2],
        (_, >= 8) => [0.996f, 0.998f, 1, 1.002f, 1.004f, 1.006f, 127 / 126f],
        (_, >= 5) => [0.9f, 0.93f, 0.955f, 0.98f, 1, 1.02f, 1.04f, 16 / 15f],
        (_, >= 3) => [0.72f, 0.78f, 0.83f, 0.87f, 0.91f, 0.95f, 0.98f, 1, 1.05f, 1.1f, 8 / 7f],
        _ => [0.25f, 0.32f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f, 0.9f, 1, 1.2f, 1.5f, 2],
    };

    /// <summary>Parts of the range that are cut off at either end of codes with a minimum.</summary>
    private static readonly float[] Cuts = [-0.03f, 0, 0.04f, 0.08f, 0.13f];

    /// <summary>Encodes: sets all that is chosen.</summary>
    public static void Run(in BlockLanes lanes)
    {
        switch (TBlock.Kind)
        {
            case BlockKind.Symmetric:
                lanes.Scales[0] = Scale(lanes.X, lanes.Weights, TBlock.BlockSize);
                Encode(lanes, 0, TBlock.BlockSize, lanes.Scales[0], V.Zero);
                break;
            case BlockKind.Paired:
                for (int part = 0; part < TBlock.BlockSize / 16; part++)
                {
                    lanes.Scales[part] = Scale(lanes.X + (16 * part), lanes.Weights + (16 * part), 16);
                    Encode(lanes, 16 * part, 16, lanes.Scales[part], V.Zero);
                }

                break;
            case BlockKind.WithMinimum:
                (lanes.Scales[0], lanes.Minimums[0]) = ScaleAndMinimum(lanes.X, lanes.Weights, TBlock.BlockSize);
                Encode(lanes, 0, TBlock.BlockSize, lanes.Scales[0], -lanes.Minimums[0]);
                break;
            case BlockKind.Super:
                SuperSearch<TBlock, TLevels>.Run(lanes);
                break;
            default:
                SuperMinimumSearch<TBlock, TLevels>.Run(lanes);
                break;
        }
    }

    /// <summary>Sets the codes of a run of weights: the nearest ones, value = scale · code − minimum.</summary>
    public static void Encode(in BlockLanes lanes, int first, int count, V scale, V minimum)
    {
        var inverse = Lanes.Inverse(scale);
        for (int i = first; i < first + count; i++)
        {
            lanes.Codes[i] = TLevels.Nearest((lanes.X[i] + minimum) * inverse);
        }
    }

    /// <summary>The best scale that can be stored.</summary>
    public static V Scale(V* x, V* w, int count)
    {
        V extreme = Lanes.Extreme(x, count), best = V.Zero, bestError = ScaleFit<TLevels>.Error(x, w, count, V.Zero);
        if (TBlock.ScaleType != ScaleType.Half)
        {
            extreme = Vector512.Abs(extreme);
        }

        foreach (float multiple in Multiples)
        {
            Try(extreme * Vector512.Create(multiple / Reach));
            if (HasTwoEnds)
            {
                Try(extreme * Vector512.Create(-multiple / Reach));
            }
        }

        return best;

        void Try(V scale)
        {
            for (int step = 0; step <= Steps; step++)
            {
                scale = Lanes.RoundScale<TBlock>(scale);
                var error = ScaleFit<TLevels>.Error(x, w, count, scale, out var better);
                var wins = Vector512.LessThan(error, bestError);
                best = Vector512.ConditionalSelect(wins, scale, best);
                bestError = Vector512.MinNative(error, bestError);
                scale = better;
            }
        }
    }

    /// <summary>The best scale and the best minimum, of either sign and to be added.</summary>
    private static (V Scale, V Minimum) ScaleAndMinimum(V* x, V* w, int count)
    {
        V least = x[0], most = x[0];
        for (int i = 1; i < count; i++)
        {
            least = Vector512.MinNative(least, x[i]);
            most = Vector512.MaxNative(most, x[i]);
        }

        V range = most - least, best = V.Zero, bestMinimum = V.Zero, bestError = Vector512.Create(float.MaxValue);
        foreach (float low in Cuts)
        {
            foreach (float high in Cuts)
            {
                var minimum = least + (Vector512.Create(low) * range);
                Try((most - (Vector512.Create(high) * range) - minimum) * Vector512.Create(1 / (float)TBlock.Codes.Most), -minimum);
            }
        }

        return (best, -bestMinimum);

        void Try(V scale, V minimum)
        {
            for (int step = 0; step <= Steps; step++)
            {
                scale = Lanes.RoundHalf(scale);
                minimum = Lanes.RoundHalf(minimum);
                var error = ScaleFit<TLevels>.Error(x, w, count, scale, minimum, signed: true, out var betterScale, out var betterMinimum);
                var wins = Vector512.LessThan(error, bestError);
                best = Vector512.ConditionalSelect(wins, scale, best);
                bestMinimum = Vector512.ConditionalSelect(wins, minimum, bestMinimum);
                bestError = Vector512.MinNative(error, bestError);
                (scale, minimum) = (betterScale, betterMinimum);
            }
        }
    }
}
