using System.Globalization;

namespace LlmServe.Cli.LoadTest;

/// <summary>When requests are sent.</summary>
internal enum ArrivalKind
{
    /// <summary>Each stream sends its next request as soon as its last one has ended.</summary>
    Closed,

    /// <summary>Requests arrive at random moments at a mean rate, whether or not earlier ones have ended.</summary>
    Poisson,

    /// <summary>All streams send at the same moment, and again when all have ended.</summary>
    Burst,
}

/// <summary>When requests are sent, and how often where that does not follow from the answers.</summary>
/// <param name="Kind">The pattern.</param>
/// <param name="Rate">Requests per second, of <see cref="ArrivalKind.Poisson"/>.</param>
internal readonly record struct ArrivalPattern(ArrivalKind Kind, double Rate = 0)
{
    /// <summary>What <see cref="TryParse"/> takes, for error messages.</summary>
    public const string Allowed = "closed, burst, or poisson:RATE with a rate in requests per second, above 0 and at most 100000";

    private const string Prefix = "poisson:";

    /// <summary>Reads <c>closed</c>, <c>burst</c> or <c>poisson:RATE</c>.</summary>
    public static bool TryParse(string text, out ArrivalPattern pattern)
    {
        pattern = new ArrivalPattern(string.Equals(text, "burst", StringComparison.OrdinalIgnoreCase) ? ArrivalKind.Burst : ArrivalKind.Closed);
        if (pattern.Kind == ArrivalKind.Burst || string.Equals(text, "closed", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        bool known = text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
            && double.TryParse(text.AsSpan(Prefix.Length), NumberStyles.Float, CultureInfo.InvariantCulture, out double rate)
            && rate is > 0 and <= 100_000;
        pattern = known ? new ArrivalPattern(ArrivalKind.Poisson, double.Parse(text.AsSpan(Prefix.Length), CultureInfo.InvariantCulture)) : pattern;
        return known;
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        ArrivalKind.Poisson => string.Create(CultureInfo.InvariantCulture, $"poisson:{Rate}"),
        ArrivalKind.Burst => "burst",
        _ => "closed",
    };
}
