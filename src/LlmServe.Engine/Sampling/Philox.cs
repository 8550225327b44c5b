namespace LlmServe.Engine.Sampling;

/// <summary>
/// Philox 4x32-10, a counter-based random generator (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
/// A draw depends on key and counter alone, so neither the batch nor a restart changes it.
/// </summary>
internal static class Philox
{
    private const int Rounds = 10;
    private const uint Multiplier0 = 0xD2511F53;
    private const uint Multiplier1 = 0xCD9E8D57;
    private const uint Weyl0 = 0x9E3779B9;
    private const uint Weyl1 = 0xBB67AE85;

    /// <summary>The four words at a counter, as (first, second, third, fourth).</summary>
    public static (uint X0, uint X1, uint X2, uint X3) Block(ulong key, uint c0, uint c1, uint c2, uint c3)
    {
        uint k0 = (uint)key;
        uint k1 = (uint)(key >> 32);
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0;
            ulong product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += Weyl0;
            k1 += Weyl1;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>A number in [0, 1) with 24 random bits: the draw of NUMERICS' sampling, step 5.</summary>
    /// <param name="seed">The request's seed.</param>
    /// <param name="index">Index of the token in the sequence (prompt and answer).</param>
    /// <param name="choice">Index of the answer among several.</param>
    /// <param name="draw">Number of the draw for this token.</param>
    public static float Uniform(ulong seed, int index, int choice, uint draw = 0)
    {
        uint word = Block(seed, (uint)index, (uint)choice, draw, 0).X0;
        return (word >> 8) * (1f / (1 << 24));
    }
}
