namespace LlmServe.Gguf.Formats;

/// <summary>What the encoders of block formats share: ranges of weights, scales in binary16, rounding to codes.</summary>
internal static unsafe class BlockFit
{
    /// <summary>The weight of largest magnitude, with its sign; the first of equals.</summary>
    public static float Extreme(float* weights, int count)
    {
        float extreme = 0;
        for (int i = 0; i < count; i++)
        {
            extreme = MathF.Abs(weights[i]) > MathF.Abs(extreme) ? weights[i] : extreme;
        }

        return extreme;
    }

    /// <summary>The smallest and the largest weight.</summary>
    public static (float Least, float Most) Range(float* weights, int count)
    {
        var (least, most) = (weights[0], weights[0]);
        for (int i = 1; i < count; i++)
        {
            least = MathF.Min(least, weights[i]);
            most = MathF.Max(most, weights[i]);
        }

        return (least, most);
    }

    /// <summary>Rounds to binary16, and what is too large to its largest finite value; returns the bits and the value they stand for.</summary>
    public static (ushort Bits, float Value) Narrow(float value)
    {
        const float Largest = 65504;
        var half = (Half)Math.Clamp(value, -Largest, Largest);
        return (BitConverter.HalfToUInt16Bits(half), (float)half);
    }

    /// <summary>The code nearest to <paramref name="value"/> / <paramref name="scale"/> within the bounds; 0, or the bound nearest to it, where the scale is 0.</summary>
    public static int Code(float value, float scale, int least, int most) =>
        (int)Math.Clamp(scale == 0 ? 0 : MathF.Round(value / scale), least, most);

    /// <summary>Packs codes of 0…15 as <see cref="BlockBits.SplitNibbles"/> reads them; bits above the fourth are left out.</summary>
    public static void JoinNibbles(ReadOnlySpan<byte> codes, byte* nibbles)
    {
        for (int i = 0; i < 16; i++)
        {
            nibbles[i] = (byte)((codes[i] & 15) | codes[i + 16] << 4);
        }
    }

    /// <summary>Collects bit 4 of 32 codes, the first in the lowest bit.</summary>
    public static uint FifthBits(ReadOnlySpan<byte> codes)
    {
        uint bits = 0;
        for (int i = 0; i < 32; i++)
        {
            bits |= (uint)(codes[i] >> 4 & 1) << i;
        }

        return bits;
    }
}
