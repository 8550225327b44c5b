namespace LlmServe.Constraints.Schemas;

/// <summary>Bounds of numbers.</summary>
/// <param name="Low">The least number; null: none.</param>
/// <param name="LowIsOut">Whether the least number itself is out.</param>
/// <param name="High">The greatest number; null: none.</param>
/// <param name="HighIsOut">Whether the greatest number itself is out.</param>
/// <param name="Step">What numbers must be multiples of; null: any.</param>
internal sealed record NumberBounds(ExactDecimal? Low, bool LowIsOut, ExactDecimal? High, bool HighIsOut, ExactDecimal? Step)
{
    /// <summary>No bounds.</summary>
    public static NumberBounds None { get; } = new(null, false, null, false, null);

    /// <summary>Numbers from one on.</summary>
    public static NumberBounds From(ExactDecimal low, bool isOut) => None with { Low = low, LowIsOut = isOut };

    /// <summary>Numbers up to one.</summary>
    public static NumberBounds UpTo(ExactDecimal high, bool isOut) => None with { High = high, HighIsOut = isOut };

    /// <summary>Multiples of a number.</summary>
    public static NumberBounds MultiplesOf(ExactDecimal step) => None with { Step = step };

    /// <summary>Both bounds.</summary>
    public NumberBounds And(NumberBounds other)
    {
        var both = this;
        if (other.Low is { } low && (both.Low is not { } l || low > l || (low == l && other.LowIsOut)))
        {
            both = both with { Low = low, LowIsOut = other.LowIsOut };
        }

        if (other.High is { } high && (both.High is not { } h || high < h || (high == h && other.HighIsOut)))
        {
            both = both with { High = high, HighIsOut = other.HighIsOut };
        }

        if (other.Step is { } step)
        {
            both = both with { Step = both.Step is { } s ? ExactDecimal.LeastCommonMultiple(s, step) : step };
        }

        return both;
    }

    /// <summary>Whether a number is within.</summary>
    public bool Contains(ExactDecimal value) =>
        (Low is not { } low || value > low || (value == low && !LowIsOut))
        && (High is not { } high || value < high || (value == high && !HighIsOut))
        && (Step is not { } step || value.IsMultipleOf(step));

    /// <summary>Whether the bounds leave nothing, as far as can be said without looking for multiples.</summary>
    public bool IsEmpty => Low is { } low && High is { } high && (low > high || (low == high && (LowIsOut || HighIsOut)));
}
