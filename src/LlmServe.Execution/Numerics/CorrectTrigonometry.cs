namespace LlmServe.Execution.Numerics;

/// <summary>
/// Sine and cosine of a binary64 angle, correctly rounded to f32, so that the value does not depend on a library:
/// binary64 decides nearly always; where it lies too close to a rounding border, fixed-point arithmetic does.
/// </summary>
public static class CorrectTrigonometry
{
    private const int DroppedBits = 29;

    // Library functions are within one unit in the last place of binary64; this leaves room for poor ones.
    private const long Doubt = 64;

    /// <summary>The f32 nearest to cos(angle) and sin(angle).</summary>
    public static (float Cosine, float Sine) CosSin(double angle)
    {
        (double sine, double cosine) = Math.SinCos(angle);
        if (!InDoubt(sine) && !InDoubt(cosine))
        {
            return ((float)cosine, (float)sine);
        }

        var (exactSine, exactCosine) = FixedPoint.SinCos(FixedPoint.FromDouble(angle));
        return ((float)FixedPoint.Round(exactCosine, 24), (float)FixedPoint.Round(exactSine, 24));
    }

    /// <summary>Whether a value lies so close to the middle of two f32 that its last bits decide.</summary>
    internal static bool InDoubt(double value)
    {
        long low = BitConverter.DoubleToInt64Bits(value) & ((1L << DroppedBits) - 1);
        return Math.Abs(low - (1L << (DroppedBits - 1))) <= Doubt;
    }
}
