using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>Blocks of 256 with an integer scale for each sub-block: value = w · s · code.</summary>
internal static unsafe class SuperSearch<TBlock, TLevels>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TLevels : struct, ILevels
{
    /// <summary>Starts below and above the scale that reaches the largest weight of a sub-block.</summary>
    private const int LeastStart = -10, MostStart = 14;

    private static readonly int Size = TBlock.SubBlockSize;

    private static readonly int Count = TBlock.BlockSize / Size;

    private static readonly float Reach = Math.Max(Math.Abs(TBlock.Codes.Least), Math.Abs(TBlock.Codes.Most));

    /// <summary>What a start differs from the next one by, in codes.</summary>
    private static readonly float Step = Reach / (TBlock.CodeBits > 4 ? 128 : TBlock.CodeBits > 3 ? 80 : 40);

    /// <summary>Chooses everything.</summary>
    public static void Run(in BlockLanes lanes)
    {
        Choose(lanes);
        for (int sub = 0; sub < Count; sub++)
        {
            BlockSearch<TBlock, TLevels>.Encode(lanes, sub * Size, Size, lanes.Scales[0] * lanes.SubScales[sub], V.Zero);
        }
    }

    /// <summary>Chooses the scales.</summary>
    public static void Choose(BlockLanes lanes)
    {
        V* wanted = lanes.Scratch;
        for (int sub = 0; sub < Count; sub++)
        {
            wanted[sub] = Scale(lanes.X + (sub * Size), lanes.Weights + (sub * Size));
        }

        var (least, most) = TBlock.SubScales;
        V extreme = Lanes.Extreme(wanted, Count), best = V.Zero, bestError = Vector512.Create(float.MaxValue);
        for (int cut = -1; cut <= 4; cut++)
        {
            Try(extreme / Vector512.Create((float)(most - cut)));
            Try(extreme / Vector512.Create((float)(least + cut)));
        }

        SetSubScales(lanes, wanted, best, lanes.SubScales);
        lanes.Scales[0] = best;
        Improve(lanes, bestError);

        void Try(V scale)
        {
            scale = Lanes.RoundScale<TBlock>(scale);
            var error = SetSubScales(lanes, wanted, scale, null);
            best = Vector512.ConditionalSelect(Vector512.LessThan(error, bestError), scale, best);
            bestError = Vector512.MinNative(error, bestError);
        }
    }

    /// <summary>The best scale of a sub-block, whatever can be stored.</summary>
    private static V Scale(V* x, V* w)
    {
        V extreme = Lanes.Extreme(x, Size), best = V.Zero, bestError = ScaleFit<TLevels>.Error(x, w, Size, V.Zero);
        for (int start = LeastStart; start <= MostStart; start++)
        {
            Try(extreme / Vector512.Create(Reach + (Step * start)));
            Try(extreme / Vector512.Create(-Reach - (Step * start)));
        }

        return best;

        void Try(V scale)
        {
            for (int step = 0; step <= 2; step++)
            {
                var error = ScaleFit<TLevels>.Error(x, w, Size, scale, out var better);
                best = Vector512.ConditionalSelect(Vector512.LessThan(error, bestError), scale, best);
                bestError = Vector512.MinNative(error, bestError);
                scale = better;
            }
        }
    }

    /// <summary>For every sub-block the integer scale near the one wanted that rounds best; returns the error of all.</summary>
    private static V SetSubScales(in BlockLanes lanes, V* wanted, V scale, V* target)
    {
        var (least, most) = TBlock.SubScales;
        V inverse = Lanes.Inverse(scale), total = V.Zero;
        for (int sub = 0; sub < Count; sub++)
        {
            V nearest = Lanes.Round(wanted[sub] * inverse), best = V.Zero, bestError = Vector512.Create(float.MaxValue);
            for (int step = -1; step <= 1; step++)
            {
                var candidate = Lanes.Clamp(nearest + Vector512.Create((float)step), Vector512.Create((float)least), Vector512.Create((float)most));
                var error = ScaleFit<TLevels>.Error(lanes.X + (sub * Size), lanes.Weights + (sub * Size), Size, scale * candidate);
                best = Vector512.ConditionalSelect(Vector512.LessThan(error, bestError), candidate, best);
                bestError = Vector512.MinNative(error, bestError);
            }

            total += bestError;
            if (target != null)
            {
                target[sub] = best;
            }
        }

        return total;
    }

    /// <summary>Least squares on the scale of the block, with codes as they are; then the integer scales again; kept where it helps.</summary>
    private static void Improve(in BlockLanes lanes, V bestError)
    {
        V* wanted = lanes.Scratch, tried = lanes.Scratch + Count;
        for (int round = 0; round < 3; round++)
        {
            V product = V.Zero, square = V.Zero, scale = lanes.Scales[0];
            for (int sub = 0; sub < Count; sub++)
            {
                var inverse = Lanes.Inverse(scale * lanes.SubScales[sub]);
                for (int i = sub * Size; i < (sub + 1) * Size; i++)
                {
                    var code = lanes.SubScales[sub] * TLevels.Nearest(lanes.X[i] * inverse);
                    product = Vector512.FusedMultiplyAdd(lanes.Weights[i] * code, lanes.X[i], product);
                    square = Vector512.FusedMultiplyAdd(lanes.Weights[i] * code, code, square);
                }
            }

            var better = Lanes.RoundScale<TBlock>(Lanes.Quotient(product, square, scale));
            var error = SetSubScales(lanes, wanted, better, tried);
            var wins = Vector512.LessThan(error, bestError);
            if (wins == V.Zero)
            {
                return;
            }

            lanes.Scales[0] = Vector512.ConditionalSelect(wins, better, scale);
            bestError = Vector512.MinNative(error, bestError);
            for (int sub = 0; sub < Count; sub++)
            {
                lanes.SubScales[sub] = Vector512.ConditionalSelect(wins, tried[sub], lanes.SubScales[sub]);
            }
        }
    }
}
