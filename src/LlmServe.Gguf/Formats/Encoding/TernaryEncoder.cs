using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>
/// Encodes rows in IQ1_S and IQ1_M: the weights of a sub-block in order, the lowest become −1, the next 0, the rest 1, each shifted by ±1/8; all splits are tried. Groups that
/// are no entry of the codebook go to the nearest one. Of the real scales of a block, the one of least squares is taken where it is better than GGML's.
/// </summary>
internal static unsafe class TernaryEncoder<TBlock> where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private const int Size = 256;
    private const float Eighth = 0.125f;

    private static readonly bool IsM = TBlock.Type == GgmlType.IQ1_M;

    private static readonly int SubBlock = IsM ? 16 : 32;

    /// <summary>Shifts of the halves of a sub-block that are tried: IQ1_S has one for both.</summary>
    private static readonly (int First, int Second)[] Shifts = IsM ? [(1, 1), (1, -1), (-1, 1), (-1, -1)] : [(1, 1), (-1, -1)];

    private static readonly Lazy<CodebookMap> Map = new(() => new CodebookMap(Codebook.Iq1, 3));

    /// <summary>Encodes. weights, importance (or null): [count], a multiple of 256</summary>
    public static void Encode(float* weights, float* importance, byte* blocks, long count)
    {
        float* w = stackalloc float[Size];
        for (long first = 0; first < count; first += Size, blocks += TBlock.BlockBytes)
        {
            float* x = weights + first;
            float square = 0;
            for (int i = 0; i < Size; i++)
            {
                square += x[i] * x[i];
            }

            for (int i = 0; i < Size; i++)
            {
                w[i] = importance == null ? x[i] * x[i] : importance[first + i] * MathF.Sqrt((2 * square / Size) + (x[i] * x[i]));
            }

            EncodeBlock(x, w, blocks);
        }
    }

    private static void EncodeBlock(float* x, float* w, byte* block)
    {
        int count = Size / SubBlock;
        float* scales = stackalloc float[count];
        sbyte* codes = stackalloc sbyte[Size];
        float largest = 0;
        for (int sub = 0; sub < count; sub++)
        {
            scales[sub] = FitSubBlock(x + (sub * SubBlock), w + (sub * SubBlock), codes + (sub * SubBlock));
            largest = MathF.Max(largest, scales[sub]);
        }

        new Span<byte>(block, TBlock.BlockBytes).Clear();
        if (largest == 0)
        {
            return;
        }

        float unit = largest / 15;
        Codes32* pieces = stackalloc Codes32[8];
        double product = 0, sum = 0;
        for (int piece = 0; piece < 8; piece++)
        {
            pieces[piece] = default;
            pieces[piece].SubScale0 = Odd(scales[32 * piece / SubBlock] / unit);
            pieces[piece].SubScale1 = Odd(scales[((32 * piece) + 16) / SubBlock] / unit);
            for (int i = 0; i < 32; i++)
            {
                int at = (32 * piece) + i;
                pieces[piece].Q[i] = codes[at];
                double value = (i < 16 ? pieces[piece].SubScale0 : pieces[piece].SubScale1) * codes[at];
                product += w[at] * x[at] * value;
                sum += w[at] * value * value;
            }
        }

        // An eighth belongs to the format: codes are eight times the real numbers.
        float plain = Stored(unit * 1.125f), fitted = sum > 0 ? Stored((float)(8 * product / sum)) : plain;
        float scale = Error(fitted / 8) < Error(plain / 8) ? fitted / 8 : plain / 8;
        for (int piece = 0; piece < 8; piece++)
        {
            pieces[piece].Scale = scale;
        }

        TBlock.Pack(pieces, block);

        double Error(float s) => (s * (double)s * sum) - (2 * s * product);

        static float Stored(float s) => (float)(Half)Math.Clamp(s, -65504, 65504);
    }

    private static int Odd(float scale) => (2 * (int)Math.Clamp(MathF.Round((scale - 1) / 2), 0, 7)) + 1;

    /// <summary>Codes of a sub-block, eight times the real ones, and its scale; 0 where there is nothing to encode.</summary>
    private static float FitSubBlock(float* x, float* w, sbyte* codes)
    {
        float most = 0;
        for (int i = 0; i < SubBlock; i++)
        {
            most = MathF.Max(most, MathF.Abs(x[i]));
        }

        if (most < (IsM ? 1e-7f : 1e-12f))
        {
            // What stands for nothing: entry 0, shifted up.
            var first = Codebook.Iq1[0];
            for (int i = 0; i < SubBlock; i++)
            {
                codes[i] = (sbyte)((8 * first[i % 8]) + 1);
            }

            return 0;
        }

        int* order = stackalloc int[SubBlock];
        int* levels = stackalloc int[SubBlock];
        Sort(x, order);
        var (low, high, shifts, scale) = BestSplit(x, w, order);
        for (int i = 0; i < SubBlock; i++)
        {
            levels[order[i]] = i < low ? 0 : i < high ? 1 : 2;
        }

        if (scale < 0)
        {
            scale = -scale;
            shifts = (-shifts.First, -shifts.Second);
            for (int i = 0; i < SubBlock; i++)
            {
                levels[i] = 2 - levels[i];
            }
        }

        return ToCodebook(x, w, levels, shifts, scale, codes);
    }

    private static void Sort(float* x, int* order)
    {
        for (int i = 0; i < SubBlock; i++)
        {
            int at = i;
            for (; at > 0 && x[order[at - 1]] > x[i]; at--)
            {
                order[at] = order[at - 1];
            }

            order[at] = i;
        }
    }

    /// <summary>Where −1 ends and 1 begins in the order of the weights, which shifts, and the scale: the largest (Σ w·x·y)² ÷ Σ w·y².</summary>
    private static (int Low, int High, (int First, int Second) Shifts, float Scale) BestSplit(float* x, float* w, int* order)
    {
        int size = SubBlock + 1;
        float* sums = stackalloc float[4 * size]; // Σ w·x and Σ w up to a place in the order, of the first and of the second half
        new Span<float>(sums, 4 * size).Clear();
        for (int i = 0; i < SubBlock; i++)
        {
            int half = IsM && order[i] >= 8 ? 2 : 0;
            for (int kind = 0; kind < 4; kind++)
            {
                sums[(kind * size) + i + 1] = sums[(kind * size) + i];
            }

            sums[(half * size) + i + 1] += w[order[i]] * x[order[i]];
            sums[((half + 1) * size) + i + 1] += w[order[i]];
        }

        int bestLow = 0, bestHigh = 0;
        var bestShifts = Shifts[0];
        float bestScore = -1, bestScale = 0;
        foreach (var shifts in Shifts)
        {
            for (int low = 0; low <= SubBlock; low++)
            {
                for (int high = low; high <= SubBlock; high++)
                {
                    float product = 0, square = 0;
                    for (int half = 0; half < (IsM ? 2 : 1); half++)
                    {
                        float shift = Eighth * (half == 0 ? shifts.First : shifts.Second);
                        float* products = sums + (2 * half * size), squares = products + size;
                        Add(products, squares, 0, low, shift - 1, ref product, ref square);
                        Add(products, squares, low, high, shift, ref product, ref square);
                        Add(products, squares, high, SubBlock, shift + 1, ref product, ref square);
                    }

                    if (square > 0 && product * product > bestScore * square)
                    {
                        (bestLow, bestHigh, bestShifts, bestScale) = (low, high, shifts, product / square);
                        bestScore = bestScale * product;
                    }
                }
            }
        }

        return (bestLow, bestHigh, bestShifts, bestScale);

        static void Add(float* products, float* squares, int from, int to, float value, ref float product, ref float square)
        {
            product += (products[to] - products[from]) * value;
            square += (squares[to] - squares[from]) * value * value;
        }
    }

    /// <summary>Levels that are entries of the codebook, or the nearest that are; the scale is fitted again where some changed.</summary>
    private static float ToCodebook(float* x, float* w, int* levels, (int First, int Second) shifts, float scale, sbyte* codes)
    {
        bool changed = false;
        for (int at = 0; at < SubBlock; at += 8)
        {
            int shift = IsM && at >= 8 ? shifts.Second : shifts.First, pattern = 0;
            for (int i = 0; i < 8; i++)
            {
                pattern |= levels[at + i] << (2 * i);
            }

            int entry = Map.Value.EntryOf(pattern);
            if (entry < 0)
            {
                changed = true;
                entry = Nearest(Map.Value.Near(pattern), x + at, w + at, scale, shift * Eighth);
            }

            var found = Codebook.Iq1[entry];
            for (int i = 0; i < 8; i++)
            {
                codes[at + i] = (sbyte)((8 * found[i]) + shift);
            }
        }

        float product = 0, square = 0;
        for (int i = 0; i < SubBlock; i++)
        {
            float value = codes[i] * Eighth;
            product += w[i] * x[i] * value;
            square += w[i] * value * value;
        }

        return changed && product > 0 && square > 0 ? product / square : scale;
    }

    private static int Nearest(ReadOnlySpan<short> entries, float* x, float* w, float scale, float shift)
    {
        int nearest = entries[0];
        float least = float.MaxValue;
        foreach (short entry in entries)
        {
            var codes = Codebook.Iq1[entry];
            float sum = 0;
            for (int i = 0; i < 8; i++)
            {
                float difference = (scale * (codes[i] + shift)) - x[i];
                sum += w[i] * difference * difference;
            }

            (nearest, least) = sum < least ? (entry, sum) : (nearest, least);
        }

        return nearest;
    }
}
