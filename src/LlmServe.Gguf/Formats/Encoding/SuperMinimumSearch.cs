using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>Blocks of 256 with an integer scale and an integer minimum for each sub-block: value = w · s · code − wm · m.</summary>
internal static unsafe class SuperMinimumSearch<TBlock, TLevels>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TLevels : struct, ILevels
{
    private static readonly int Size = TBlock.SubBlockSize;

    private static readonly int Count = TBlock.BlockSize / Size;

    private static readonly float MostCode = TBlock.Codes.Most;

    /// <summary>What a start differs from the next one by, in codes: half as much where there are few of them.</summary>
    private static readonly float Step = TBlock.CodeBits == 2 ? 0.05f : 0.1f;

    /// <summary>Integers that the largest scale and the largest minimum may become, as differences from the largest that can be stored.</summary>
    private static readonly float[] Cuts = TBlock.SubScales.Most < 63 ? [-0.4f, 0, 0.4f, 0.8f, 1.2f, 1.6f, 2, 2.4f] : [-1, 0, 1, 2, 3, 4];

    /// <summary>Chooses everything.</summary>
    public static void Run(in BlockLanes lanes)
    {
        Choose(lanes);
        for (int sub = 0; sub < Count; sub++)
        {
            BlockSearch<TBlock, TLevels>.Encode(
                lanes, sub * Size, Size, lanes.Scales[0] * lanes.SubScales[sub], lanes.Minimums[0] * lanes.SubMinimums[sub]);
        }
    }

    /// <summary>Chooses the scales and minimums.</summary>
    public static void Choose(BlockLanes lanes)
    {
        V* wanted = lanes.Scratch, wantedMinimums = lanes.Scratch + Count;
        V largest = V.Zero, largestMinimum = V.Zero;
        for (int sub = 0; sub < Count; sub++)
        {
            (wanted[sub], wantedMinimums[sub]) = ScaleAndMinimum(lanes.X + (sub * Size), lanes.Weights + (sub * Size));
            largest = Vector512.MaxNative(largest, wanted[sub]);
            largestMinimum = Vector512.MaxNative(largestMinimum, wantedMinimums[sub]);
        }

        // First the scale with the plain minimum, then the minimum with the best scale.
        V scale = V.Zero, minimum = Lanes.RoundHalf(largestMinimum / Vector512.Create((float)TBlock.MostSubMinimum)), bestError = Vector512.Create(float.MaxValue);
        foreach (float cut in Cuts)
        {
            Try(Lanes.RoundHalf(largest / Vector512.Create(TBlock.SubScales.Most - cut)), minimum);
        }

        foreach (float cut in Cuts)
        {
            Try(scale, Lanes.RoundHalf(largestMinimum / Vector512.Create(TBlock.MostSubMinimum - cut)));
        }

        (lanes.Scales[0], lanes.Minimums[0]) = (scale, minimum);
        SetSubBlocks(lanes, wanted, wantedMinimums, scale, minimum, lanes.SubScales, lanes.SubMinimums);
        Improve(lanes, bestError);

        void Try(V triedScale, V triedMinimum)
        {
            var error = SetSubBlocks(lanes, wanted, wantedMinimums, triedScale, triedMinimum, null, null);
            var wins = Vector512.LessThan(error, bestError);
            scale = Vector512.ConditionalSelect(wins, triedScale, scale);
            minimum = Vector512.ConditionalSelect(wins, triedMinimum, minimum);
            bestError = Vector512.MinNative(error, bestError);
        }
    }

    /// <summary>The best scale and minimum of a sub-block, whatever can be stored.</summary>
    private static (V Scale, V Minimum) ScaleAndMinimum(V* x, V* w)
    {
        V least = V.Zero, most = V.Zero;
        for (int i = 0; i < Size; i++)
        {
            least = Vector512.MinNative(least, x[i]);
            most = Vector512.MaxNative(most, x[i]);
        }

        V best = V.Zero, bestMinimum = -least, bestError = Vector512.Create(float.MaxValue);
        for (int start = -12; start <= 24; start++)
        {
            V scale = (most - least) / Vector512.Create(MostCode + (Step * start)), minimum = -least;
            for (int step = 0; step <= 2; step++)
            {
                var error = ScaleFit<TLevels>.Error(x, w, Size, scale, minimum, signed: false, out var betterScale, out var betterMinimum);
                var wins = Vector512.LessThan(error, bestError);
                best = Vector512.ConditionalSelect(wins, scale, best);
                bestMinimum = Vector512.ConditionalSelect(wins, minimum, bestMinimum);
                bestError = Vector512.MinNative(error, bestError);
                (scale, minimum) = (betterScale, betterMinimum);
            }
        }

        return (best, bestMinimum);
    }

    /// <summary>For every sub-block the integers near what is wanted that round best; returns the error of all.</summary>
    private static V SetSubBlocks(in BlockLanes lanes, V* wanted, V* wantedMinimums, V scale, V minimum, V* scales, V* minimums)
    {
        V inverse = Lanes.Inverse(scale), inverseMinimum = Lanes.Inverse(minimum), total = V.Zero;
        V mostScale = Vector512.Create((float)TBlock.SubScales.Most), mostMinimum = Vector512.Create((float)TBlock.MostSubMinimum);
        for (int sub = 0; sub < Count; sub++)
        {
            V nearest = Lanes.Round(wanted[sub] * inverse), nearestMinimum = Lanes.Round(wantedMinimums[sub] * inverseMinimum);
            V best = V.Zero, bestMinimum = V.Zero, bestError = Vector512.Create(float.MaxValue);
            for (int step = -1; step <= 1; step++)
            {
                var candidate = Lanes.Clamp(nearest + Vector512.Create((float)step), V.Zero, mostScale);
                for (int below = -1; below <= 1; below++)
                {
                    var candidateMinimum = Lanes.Clamp(nearestMinimum + Vector512.Create((float)below), V.Zero, mostMinimum);
                    var error = ScaleFit<TLevels>.Error(
                        lanes.X + (sub * Size), lanes.Weights + (sub * Size), Size, scale * candidate, minimum * candidateMinimum);
                    var wins = Vector512.LessThan(error, bestError);
                    best = Vector512.ConditionalSelect(wins, candidate, best);
                    bestMinimum = Vector512.ConditionalSelect(wins, candidateMinimum, bestMinimum);
                    bestError = Vector512.MinNative(error, bestError);
                }
            }

            total += bestError;
            if (scales != null)
            {
                (scales[sub], minimums[sub]) = (best, bestMinimum);
            }
        }

        return total;
    }

    /// <summary>Least squares on the two real numbers of the block, with all integers as they are; then the integers again; kept where it helps.</summary>
    private static void Improve(in BlockLanes lanes, V bestError)
    {
        V* wanted = lanes.Scratch, wantedMinimums = lanes.Scratch + Count;
        for (int round = 0; round < 3; round++)
        {
            V scale = lanes.Scales[0], minimum = lanes.Minimums[0];
            LeastSquares(lanes, scale, minimum, out var betterScale, out var betterMinimum);
            betterScale = Lanes.RoundHalf(Vector512.MaxNative(betterScale, V.Zero));
            betterMinimum = Lanes.RoundHalf(Vector512.MaxNative(betterMinimum, V.Zero));
            var error = SetSubBlocks(lanes, wanted, wantedMinimums, betterScale, betterMinimum, null, null);
            var wins = Vector512.LessThan(error, bestError);
            if (wins == V.Zero)
            {
                return;
            }

            lanes.Scales[0] = Vector512.ConditionalSelect(wins, betterScale, scale);
            lanes.Minimums[0] = Vector512.ConditionalSelect(wins, betterMinimum, minimum);
            bestError = SetSubBlocks(lanes, wanted, wantedMinimums, lanes.Scales[0], lanes.Minimums[0], lanes.SubScales, lanes.SubMinimums);
        }
    }

    /// <summary>value = scale · u − minimum · v with u = s · code and v = m fixed: the scale and the minimum that are best.</summary>
    private static void LeastSquares(in BlockLanes lanes, V scale, V minimum, out V betterScale, out V betterMinimum)
    {
        V uu = V.Zero, uv = V.Zero, vv = V.Zero, ux = V.Zero, vx = V.Zero;
        for (int sub = 0; sub < Count; sub++)
        {
            V s = lanes.SubScales[sub], m = lanes.SubMinimums[sub], offset = minimum * m, inverse = Lanes.Inverse(scale * s);
            for (int i = sub * Size; i < (sub + 1) * Size; i++)
            {
                V x = lanes.X[i], w = lanes.Weights[i], u = s * TLevels.Nearest((x + offset) * inverse), wu = w * u, wm = w * m;
                uu = Vector512.FusedMultiplyAdd(wu, u, uu);
                uv = Vector512.FusedMultiplyAdd(wu, m, uv);
                vv = Vector512.FusedMultiplyAdd(wm, m, vv);
                ux = Vector512.FusedMultiplyAdd(wu, x, ux);
                vx = Vector512.FusedMultiplyAdd(wm, x, vx);
            }
        }

        var determinant = (uu * vv) - (uv * uv);
        betterScale = Lanes.Quotient((ux * vv) - (vx * uv), determinant, Lanes.Quotient(ux, uu, scale));
        betterMinimum = Lanes.Quotient((ux * uv) - (vx * uu), determinant, minimum);
    }
}
