namespace LlmServe.Constraints.Schemas;

/// <summary>A bound of numbers that are not negative.</summary>
/// <param name="Whole">Its digits before the point.</param>
/// <param name="Fraction">Its digits behind the point, without zeros at the end.</param>
/// <param name="IsOut">Whether the bound itself is out.</param>
/// <param name="IsNone">Whether there is no bound.</param>
internal readonly record struct Magnitude(string Whole, string Fraction, bool IsOut, bool IsNone)
{
    /// <summary>No bound.</summary>
    public static Magnitude None { get; } = new("", "", false, true);

    /// <summary>A bound.</summary>
    public static Magnitude Of(ExactDecimal value, bool isOut) => new(value.IntegerDigits, value.FractionDigits, isOut, false);
}

/// <summary>What bounds say about the numbers of one sign, without it.</summary>
internal readonly record struct Magnitudes(Magnitude Low, Magnitude High, bool IsEmpty)
{
    /// <summary>Digits before the point of the longer bound.</summary>
    public int WholeDigits => Math.Max(Low.Whole.Length, High.Whole.Length);

    /// <summary>Digits behind the point of the longer bound.</summary>
    public int FractionDigits => Math.Max(Low.Fraction.Length, High.Fraction.Length);

    /// <summary>From bounds that may be negative.</summary>
    public static Magnitudes Of(ExactDecimal? low, bool lowIsOut, ExactDecimal? high, bool highIsOut)
    {
        if (high is { IsNegative: true })
        {
            return new Magnitudes(Magnitude.None, Magnitude.None, true);
        }

        return new Magnitudes(
            low is { IsNegative: false } l ? Magnitude.Of(l, lowIsOut) : Magnitude.None, high is { } h ? Magnitude.Of(h, highIsOut) : Magnitude.None, false);
    }

    /// <summary>Whether a number is allowed that compares so with the bounds.</summary>
    public bool Allow(int low, int high) =>
        !IsEmpty && (Low.IsNone || low > 0 || (low == 0 && !Low.IsOut)) && (High.IsNone || high < 0 || (high == 0 && !High.IsOut));
}
