using System.Globalization;

namespace LlmServe.Cli.LoadTest;

/// <summary>How long prompts or answers are, in tokens: always the same, evenly from a range, or normally distributed.</summary>
/// <param name="Least">The shortest.</param>
/// <param name="Most">The longest.</param>
/// <param name="Mean">Of a normal distribution; else null.</param>
/// <param name="Deviation">Standard deviation of a normal distribution.</param>
internal sealed record LengthRange(int Least, int Most, int? Mean = null, int Deviation = 0)
{
    /// <summary>No length may be larger; far above any model's context.</summary>
    public const int Limit = 1 << 20;

    /// <summary>What <see cref="TryParse"/> takes, for error messages.</summary>
    public const string Allowed = "a length such as 128, a range such as 16-400, or mean and deviation such as 128:40";

    private const int WidestDeviations = 3;

    /// <summary>One length for all.</summary>
    public static LengthRange Always(int tokens) => new(tokens, tokens);

    /// <summary>Reads <c>N</c>, <c>MIN-MAX</c> or <c>N:SD</c>; what is drawn from the last stays within three deviations and above 0.</summary>
    public static bool TryParse(string text, out LengthRange range)
    {
        range = Always(1);
        string[] parts = text.Split('-', ':');
        if (parts.Length > 2 || !TryLength(parts[0], 1, out int first))
        {
            return false;
        }

        if (parts.Length == 1)
        {
            range = Always(first);
            return true;
        }

        bool isRange = text.Contains('-', StringComparison.Ordinal);
        if (!TryLength(parts[1], isRange ? first : 0, out int second))
        {
            return false;
        }

        range = isRange
            ? new LengthRange(first, second)
            : new LengthRange(Math.Max(1, first - WidestDeviations * second), first + WidestDeviations * second, first, second);
        return true;
    }

    /// <summary>Draws a length.</summary>
    public int Draw(Random random)
    {
        if (Mean is not { } mean)
        {
            return random.Next(Least, Most + 1);
        }

        // Box and Muller's transform; 1 − x keeps the logarithm's argument above 0.
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return (int)Math.Clamp(Math.Round(mean + Deviation * normal), Least, Most);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(Mean is { } mean ? $"{mean}:{Deviation}" : Least == Most ? $"{Least}" : $"{Least}-{Most}")}");

    private static bool TryLength(string text, int least, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= Limit;
}
