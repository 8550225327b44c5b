namespace LlmServe.Execution.Numerics;

/// <summary>Correctly rounded functions of a few constants of models, the same on every platform. Slow.</summary>
public static class CorrectFunctions
{
    /// <summary>The natural logarithm of a positive number, in binary64.</summary>
    public static double Log(double x) => FixedPoint.Round(FixedPoint.Log(FixedPoint.FromDouble(x)), 53);

    /// <summary>x to the power of <paramref name="exponent"/>, in binary64.</summary>
    /// <param name="x">Positive.</param>
    /// <param name="exponent">Such that the result is of moderate size.</param>
    public static double Power(double x, double exponent) =>
        FixedPoint.Round(FixedPoint.Exp((FixedPoint.Log(FixedPoint.FromDouble(x)) * FixedPoint.FromDouble(exponent)) >> FixedPoint.Bits), 53);

    /// <summary>ln(1 + e^x), in binary64.</summary>
    public static double Softplus(double x) => FixedPoint.Round(FixedPoint.Log(FixedPoint.One + FixedPoint.Exp(FixedPoint.FromDouble(x))), 53);
}
