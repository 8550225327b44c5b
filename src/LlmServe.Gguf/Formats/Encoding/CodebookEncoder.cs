using System.Runtime.CompilerServices;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>
/// Encodes rows in IQ2 and IQ3: for each sub-block scales are tried, groups of weights go to the nearest entries of the codebook, and the scale with the best fit is
/// kept. The real scale of the block is the one of two that leaves the smaller error: as GGML sets it, or by least squares.
/// </summary>
internal static unsafe class CodebookEncoder<TBlock> where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private const int Size = 256;

    private static readonly CodebookChoice Choice = CodebookChoice.Of(TBlock.Type);

    /// <summary>Encodes. weights, importance (or null): [count], a multiple of 256</summary>
    public static void Encode(float* weights, float* importance, byte* blocks, long count)
    {
        float* w = stackalloc float[Size];
        for (long first = 0; first < count; first += Size, blocks += TBlock.BlockBytes)
        {
            Weigh(weights + first, importance == null ? null : importance + first, w);
            EncodeBlock(weights + first, w, blocks);
        }
    }

    /// <summary>What squared errors count: importance · √(σ² + x²), σ² being the mean square of the block or twice it; without an importance x², or more evenly.</summary>
    private static void Weigh(float* x, float* importance, float* w)
    {
        float square = 0;
        for (int i = 0; i < Size; i++)
        {
            square += x[i] * x[i];
        }

        float variance = square / Size * (TBlock.Type is GgmlType.IQ2_XXS or GgmlType.IQ2_XS ? 1 : 2);
        bool isEven = TBlock.Type is GgmlType.IQ2_XXS or GgmlType.IQ2_XS or GgmlType.IQ2_S;
        for (int i = 0; i < Size; i++)
        {
            float own = x[i] * x[i];
            w[i] = importance != null ? importance[i] * MathF.Sqrt(variance + own) : isEven ? own + (0.25f * variance) : own;
        }
    }

    [SkipLocalsInit]
    private static void EncodeBlock(float* x, float* w, byte* block)
    {
        int subBlock = Choice.SubBlock, count = Size / subBlock, width = Choice.Map.Width;
        float* scales = stackalloc float[count];
        int* signs = stackalloc int[Size / 8];
        int* entries = stackalloc int[Size / width];
        float* magnitudes = stackalloc float[Size];
        FlipSigns(x, w, magnitudes, signs);
        float largest = 0;
        for (int sub = 0; sub < count; sub++)
        {
            int at = sub * subBlock;
            scales[sub] = FitSubBlock(magnitudes + at, w + at, subBlock, entries + (at / width));
            largest = MathF.Max(largest, scales[sub]);
        }

        new Span<byte>(block, TBlock.BlockBytes).Clear();
        if (largest == 0)
        {
            return;
        }

        float unit = largest / 31;
        Codes32* pieces = stackalloc Codes32[8];
        for (int piece = 0; piece < 8; piece++)
        {
            pieces[piece] = default;
            pieces[piece].SubScale0 = Odd(scales[32 * piece / subBlock] / unit);
            pieces[piece].SubScale1 = Odd(scales[((32 * piece) + 16) / subBlock] / unit);
            for (int i = 0; i < 32; i++)
            {
                int at = (32 * piece) + i;
                int code = Choice.Codebook[entries[at / width]][at % width] / (TBlock.Type == GgmlType.IQ3_XXS ? 2 : 1);
                pieces[piece].Q[i] = (sbyte)((signs[at / 8] >> (at % 8) & 1) != 0 ? -code : code);
            }
        }

        float scale = BestScale(x, w, pieces, unit);
        for (int piece = 0; piece < 8; piece++)
        {
            pieces[piece].Scale = scale;
        }

        TBlock.Pack(pieces, block);
    }

    /// <summary>The odd number from 1 to 31 that is nearest.</summary>
    private static int Odd(float scale) => (2 * (int)Math.Clamp(MathF.Round((scale - 1) / 2), 0, 15)) + 1;

    /// <summary>Magnitudes, and for each eight the mask of the negative ones; with parity the weight that matters least changes its sign where their number is odd.</summary>
    private static void FlipSigns(float* x, float* w, float* magnitudes, int* signs)
    {
        for (int eight = 0; eight < Size / 8; eight++)
        {
            int mask = 0, least = 0;
            float leastCost = float.MaxValue;
            for (int i = 0; i < 8; i++)
            {
                int at = (8 * eight) + i;
                magnitudes[at] = MathF.Abs(x[at]);
                mask |= (x[at] < 0 ? 1 : 0) << i;
                float cost = w[at] * x[at] * x[at];
                (least, leastCost) = cost < leastCost ? (i, cost) : (least, leastCost);
            }

            if (Choice.HasParity && (System.Numerics.BitOperations.PopCount((uint)mask) & 1) != 0)
            {
                magnitudes[(8 * eight) + least] *= -1;
                mask ^= 1 << least;
            }

            signs[eight] = mask;
        }
    }

    /// <summary>Entries and scale of a sub-block, levels counting as 1, 3, 5 …; 0 where there is nothing to encode.</summary>
    private static float FitSubBlock(float* v, float* w, int count, int* entries)
    {
        float most = 0;
        for (int i = 0; i < count; i++)
        {
            most = MathF.Max(most, v[i]);
        }

        new Span<int>(entries, count / Choice.Map.Width).Clear();
        if (most <= Choice.Zero)
        {
            return 0;
        }

        if (TBlock.Type == GgmlType.IQ2_XXS)
        {
            most = 3 * MagnitudeFit.Scale(v, w, count, 4);
            if (most <= 0)
            {
                return 0;
            }
        }

        int* tried = stackalloc int[8];
        float best = 0, bestScore = 0;
        for (int start = -Choice.Tries; start <= Choice.Tries; start++)
        {
            float scale = most / ((2 * Choice.Map.Levels) - 1 + (start * Choice.Step));
            Try(v, w, count, scale, tried, entries, ref best, ref bestScore);
        }

        // Codes at the scale that came out, and the scale that suits those.
        if (best > 0)
        {
            Try(v, w, count, best, tried, entries, ref best, ref bestScore);
        }

        return best;
    }

    private static void Try(float* v, float* w, int count, float scale, int* tried, int* entries, ref float best, ref float bestScore)
    {
        var (product, square) = Round(v, w, count, scale, tried);
        if (square > 0 && product > 0 && product * product > bestScore * square)
        {
            best = product / square;
            bestScore = best * product;
            new ReadOnlySpan<int>(tried, count / Choice.Map.Width).CopyTo(new Span<int>(entries, count / Choice.Map.Width));
        }
    }

    /// <summary>The best entries at a scale, and Σ w·v·c and Σ w·c² for them.</summary>
    private static (float Product, float Square) Round(float* v, float* w, int count, float scale, int* entries)
    {
        var map = Choice.Map;
        float inverse = 1 / scale, product = 0, square = 0;
        for (int at = 0; at < count; at += map.Width)
        {
            int pattern = 0;
            for (int i = 0; i < map.Width; i++)
            {
                int level = (int)Math.Clamp(MathF.Round(((v[at + i] * inverse) - 1) / 2), 0, map.Levels - 1);
                pattern |= level << (map.Bits * i);
            }

            int entry = map.EntryOf(pattern);
            if (entry < 0)
            {
                entry = Nearest(map, map.Near(pattern), v + at, w + at, scale);
            }

            entries[at / map.Width] = entry;
            var levels = map.LevelsOf(entry);
            for (int i = 0; i < map.Width; i++)
            {
                float code = (2 * levels[i]) + 1, weighted = w[at + i] * code;
                product += weighted * v[at + i];
                square += weighted * code;
            }
        }

        return (product, square);
    }

    /// <summary>The entry with the smallest Σ √w·(scale·c − v)², the first of equals.</summary>
    private static int Nearest(CodebookMap map, ReadOnlySpan<short> entries, float* v, float* w, float scale)
    {
        float* roots = stackalloc float[8];
        for (int i = 0; i < map.Width; i++)
        {
            roots[i] = MathF.Sqrt(w[i]);
        }

        int nearest = entries[0];
        float least = float.MaxValue;
        foreach (short entry in entries)
        {
            var levels = map.LevelsOf(entry);
            float sum = 0;
            for (int i = 0; i < map.Width; i++)
            {
                float difference = (scale * ((2 * levels[i]) + 1)) - v[i];
                sum += roots[i] * difference * difference;
            }

            (nearest, least) = sum < least ? (entry, sum) : (nearest, least);
        }

        return nearest;
    }

    /// <summary>The scale of a block whose codes and integer scales are chosen: the better one of GGML's and that of least squares.</summary>
    private static float BestScale(float* x, float* w, Codes32* pieces, float unit)
    {
        double product = 0, square = 0;
        for (int i = 0; i < Size; i++)
        {
            ref var piece = ref pieces[i / 32];
            double code = (i % 32 < 16 ? piece.SubScale0 : piece.SubScale1) * pieces[i / 32].Q[i % 32];
            product += w[i] * x[i] * code;
            square += w[i] * code * code;
        }

        // Codes are about 17 (IQ2), 4 (IQ3_XXS) or 1 times the levels' 2l + 1 that the unit belongs to.
        float power = MathF.ScaleB(1, TBlock.ScaleExponent);
        float factor = TBlock.Type switch { GgmlType.IQ2_S => 0.9875f, GgmlType.IQ3_XXS => 1.0125f, GgmlType.IQ3_S => 1.033f, _ => 1 };
        float plain = Stored(unit * factor * power), fitted = square > 0 ? Stored((float)(product / square)) : plain;
        return Error(fitted) < Error(plain) ? fitted : plain;

        // Σ w (x − scale · code)², but for what does not depend on the scale
        double Error(float scale) => (scale * (double)scale * square) - (2 * scale * product);

        float Stored(float scale) => (float)(Half)Math.Clamp(scale / power, -65504, 65504) * power;
    }
}
