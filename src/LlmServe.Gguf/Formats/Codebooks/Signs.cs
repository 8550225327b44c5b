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
}
