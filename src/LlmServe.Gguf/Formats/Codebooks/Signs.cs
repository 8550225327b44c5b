using System.Numerics;

namespace LlmServe.Gguf.Formats.Codebooks;

/// <summary>Signs of eight weights.</summary>
internal static class Signs
{
    /// <summary>The mask that seven bits stand for: the eighth is their parity, so that the number of negative weights is even.</summary>
    public static int OfSeven(uint bits)
    {
        bits &= 127;
        return (int)(bits | ((uint)BitOperations.PopCount(bits) & 1) << 7);
    }

    /// <summary>The mask of the negative ones of a few codes.</summary>
    public static unsafe int Of(sbyte* codes, int count)
    {
        int mask = 0;
        for (int i = 0; i < count; i++)
        {
            mask |= (codes[i] < 0 ? 1 : 0) << i;
        }

        return mask;
    }
}
