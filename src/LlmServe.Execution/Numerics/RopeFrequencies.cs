namespace LlmServe.Execution.Numerics;

/// <summary>Angles per position of rotary embeddings.</summary>
public static class RopeFrequencies
{
    /// <summary>The correctly rounded binary64 of base^(−2i/d) for i = 0 … d/2 − 1.</summary>
    /// <param name="rope">The base, positive.</param>
    /// <param name="rotated">d, the rotated elements of a head; even.</param>
    public static double[] Compute(double rope, int rotated)
    {
        var logarithm = FixedPoint.Log(FixedPoint.FromDouble(rope));
        double[] result = new double[rotated / 2];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = FixedPoint.Round(FixedPoint.Exp(-logarithm * (2 * i) / rotated), 53);
        }

        return result;
    }
}
