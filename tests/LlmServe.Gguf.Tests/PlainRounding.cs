using LlmServe.Gguf.Formats;

namespace LlmServe.Gguf.Tests;

/// <summary>
/// What weights become when scales are chosen without a search: the largest magnitude takes the last code, or smallest and largest value the first and the last. A yardstick
/// for encoders. Null for codebook formats.
/// </summary>
internal sealed class PlainRounding(float[] weights) : IBlockFormatVisitor<float[]?>
{
    public float[]? Visit<TBlock>() where TBlock : unmanaged, IBlockFormat<TBlock>
    {
        if (TBlock.Kind == BlockKind.Super && TBlock.SubScales == (1, 1))
        {
            return null;
        }

        float[] rounded = new float[weights.Length];
        for (int first = 0; first < weights.Length; first += TBlock.BlockSize)
        {
            Block<TBlock>(weights.AsSpan(first, TBlock.BlockSize), rounded.AsSpan(first, TBlock.BlockSize));
        }

        return rounded;
    }

    private static void Block<TBlock>(ReadOnlySpan<float> x, Span<float> y) where TBlock : unmanaged, IBlockFormat<TBlock>
    {
        bool isSuper = TBlock.Kind is BlockKind.Super or BlockKind.SuperWithMinimum, hasMinimum = TBlock.Kind is BlockKind.WithMinimum or BlockKind.SuperWithMinimum;
        int size = isSuper || TBlock.Kind == BlockKind.Paired ? TBlock.SubBlockSize : TBlock.BlockSize, count = x.Length / size;
        float[] scales = new float[count], minimums = new float[count];
        for (int i = 0; i < count; i++)
        {
            var part = x.Slice(i * size, size);
            float extreme = 0, least = part[0], most = part[0];
            foreach (float value in part)
            {
                extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
                (least, most) = (Math.Min(least, value), Math.Max(most, value));
            }

            minimums[i] = !hasMinimum ? 0 : isSuper ? Math.Max(0, -least) : -least;
            scales[i] = hasMinimum ? (most + minimums[i]) / TBlock.Codes.Most
                : -TBlock.Codes.Least >= TBlock.Codes.Most && TBlock.ScaleType == ScaleType.Half ? extreme / TBlock.Codes.Least
                : Math.Abs(extreme) / TBlock.Codes.Most;
        }

        if (isSuper)
        {
            float unit = Rounded(scales.MaxBy(Math.Abs) / (hasMinimum ? TBlock.SubScales.Most : TBlock.SubScales.Least), TBlock.ScaleType);
            float minimumUnit = hasMinimum ? Rounded(minimums.Max() / TBlock.MostSubMinimum, ScaleType.Half) : 0;
            for (int i = 0; i < count; i++)
            {
                scales[i] = unit == 0 ? 0 : unit * Math.Clamp(MathF.Round(scales[i] / unit), TBlock.SubScales.Least, TBlock.SubScales.Most);
                minimums[i] = minimumUnit == 0 ? 0 : minimumUnit * MathF.Round(minimums[i] / minimumUnit);
            }
        }

        for (int i = 0; i < x.Length; i++)
        {
            float scale = isSuper ? scales[i / size] : Rounded(scales[i / size], TBlock.ScaleType), minimum = isSuper ? minimums[i / size] : Rounded(minimums[i / size], ScaleType.Half);
            y[i] = (scale * Nearest<TBlock>(scale == 0 ? 0 : (x[i] + minimum) / scale)) - minimum;
        }
    }

    private static float Rounded(float scale, ScaleType type) => type switch
    {
        ScaleType.Half => (float)(Half)scale,
        ScaleType.E8M0 => scale <= 0 ? 0 : MathF.Pow(2, MathF.Floor(MathF.Log2(scale * 12)) - 3),
        _ => scale <= 0 ? 0 : scale < 1f / 128 ? MathF.Round(scale * 1024) / 1024 : MathF.Round(scale * 8 / MathF.Pow(2, MathF.Floor(MathF.Log2(scale)))) / 8 * MathF.Pow(2, MathF.Floor(MathF.Log2(scale))),
    };

    private static float Nearest<TBlock>(float x) where TBlock : unmanaged, IBlockFormat<TBlock>
    {
        if (TBlock.CodeBits == 1)
        {
            return x < 0 ? -1 : 1;
        }

        return TBlock.CodeTable.IsEmpty
            ? Math.Clamp(MathF.Round(x), TBlock.Codes.Least, TBlock.Codes.Most)
            : TBlock.CodeTable.ToArray().MinBy(code => Math.Abs(code - x));
    }
}
