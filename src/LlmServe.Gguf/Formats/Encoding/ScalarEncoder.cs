using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>Encodes rows in a format whose weights have codes of their own, 16 blocks at a time.</summary>
internal static unsafe class ScalarEncoder<TBlock, TLevels>
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TLevels : struct, ILevels
{
    private static readonly int Size = TBlock.BlockSize;

    /// <summary>
    /// Without an importance of columns: whether errors of large weights count more, as σ + |x|. For formats of 256 the outputs of a real model came out nearer so, but
    /// for Q4_K.
    /// </summary>
    private static readonly bool CountsMagnitude = TBlock.Kind is BlockKind.Super or BlockKind.SuperWithMinimum && TBlock.CodeBits != 4;

    private static readonly bool IsCoarse = TBlock.Kind == BlockKind.Symmetric && TBlock.CodeBits <= 2;

    /// <summary>Encodes. weights, importance (or null): [count], a multiple of the block size</summary>
    [SkipLocalsInit]
    public static void Encode(float* weights, float* importance, byte* blocks, long count)
    {
        byte* memory = stackalloc byte[((BlockLanes.Vectors + 1) * sizeof(V)) + 64];
        var lanes = new BlockLanes((V*)(((nint)memory + 63) & ~(nint)63));
        for (long first = 0; first < count; first += Lanes.Count * Size)
        {
            int taken = (int)Math.Min(Lanes.Count, (count - first) / Size);
            Lanes.Gather(weights + first, Size, taken, Size, lanes.X);
            if (importance != null)
            {
                Lanes.Gather(importance + first, Size, taken, Size, lanes.Weights);
            }

            Weigh(lanes, importance != null);
            BlockSearch<TBlock, TLevels>.Run(lanes);
            for (int lane = 0; lane < taken; lane++)
            {
                Pack(lanes, lane, blocks);
                blocks += TBlock.BlockBytes;
            }
        }
    }

    /// <summary>
    /// What squared errors count: importance · √(σ² + x²) (the importance alone for codes of one and two bits, which leave nothing to tell apart), or σ + |x|, or all
    /// the same. σ² is the mean square of the block.
    /// </summary>
    private static void Weigh(in BlockLanes lanes, bool hasImportance)
    {
        var mean = V.Zero;
        for (int i = 0; i < Size; i++)
        {
            mean = Vector512.FusedMultiplyAdd(lanes.X[i], lanes.X[i], mean);
        }

        mean *= Vector512.Create(1f / Size);
        var deviation = Vector512.Sqrt(mean);
        for (int i = 0; i < Size; i++)
        {
            var x = lanes.X[i];
            lanes.Weights[i] = hasImportance ? (IsCoarse ? lanes.Weights[i] : lanes.Weights[i] * Vector512.Sqrt(mean + (x * x)))
                : CountsMagnitude ? deviation + Vector512.Abs(x)
                : V.One;
        }
    }

    /// <summary>Writes the block of a lane.</summary>
    public static void Pack(in BlockLanes lanes, int lane, byte* block)
    {
        Codes32* pieces = stackalloc Codes32[8];
        for (int piece = 0; piece < Size / 32; piece++)
        {
            pieces[piece] = PieceOf(lanes, lane, piece);
        }

        TBlock.Pack(pieces, block);
    }

    private static Codes32 PieceOf(in BlockLanes lanes, int lane, int piece)
    {
        bool isPaired = TBlock.Kind == BlockKind.Paired, isSuper = TBlock.Kind is BlockKind.Super or BlockKind.SuperWithMinimum;
        var codes = new Codes32
        {
            Scale = Of(lanes.Scales, isPaired ? 2 * piece : 0, lane),
            SecondScale = isPaired ? Of(lanes.Scales, (2 * piece) + 1, lane) : 0,
            Minimum = TBlock.Kind is BlockKind.WithMinimum or BlockKind.SuperWithMinimum ? Of(lanes.Minimums, 0, lane) : 0,
            SubScale0 = 1,
            SubScale1 = 1,
        };
        if (isSuper)
        {
            int first = 32 * piece / TBlock.SubBlockSize, second = ((32 * piece) + 16) / TBlock.SubBlockSize;
            (codes.SubScale0, codes.SubScale1) = ((int)Of(lanes.SubScales, first, lane), (int)Of(lanes.SubScales, second, lane));
            if (TBlock.Kind == BlockKind.SuperWithMinimum)
            {
                (codes.SubMinimum0, codes.SubMinimum1) = ((int)Of(lanes.SubMinimums, first, lane), (int)Of(lanes.SubMinimums, second, lane));
            }
        }

        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)Of(lanes.Codes, (32 * piece) + i, lane);
        }

        return codes;
    }

    private static float Of(V* vectors, int index, int lane) => ((float*)(vectors + index))[lane];
}
