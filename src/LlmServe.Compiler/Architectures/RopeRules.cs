namespace LlmServe.Compiler.Architectures;

/// <summary>How a family, or some of its layers, read the angles of rotary embeddings.</summary>
internal sealed record RopeRules
{
    /// <summary>What most families say.</summary>
    public static RopeRules Usual { get; } = new();

    /// <summary>No scaling and no factors: what layers with windows of some families have.</summary>
    public static RopeRules Plain { get; } = new() { IsScaled = false, HasFactors = false };

    /// <summary>Where the base stands.</summary>
    public string BaseKey { get; init; } = "rope.freq_base";

    /// <summary>The base where the file does not say.</summary>
    public double AbsentBase { get; init; } = 10000;

    /// <summary>Whether <c>rope.scaling</c> counts.</summary>
    public bool IsScaled { get; init; } = true;

    /// <summary>Whether <c>rope_freqs</c> counts.</summary>
    public bool HasFactors { get; init; } = true;

    /// <summary>Whether long and short factors count wherever there are some, whatever the type of scaling.</summary>
    public bool HasLongFactors { get; init; }

    /// <summary>Whether YaRN's range ends at whole pairs.</summary>
    public bool RoundsRange { get; init; } = true;

    /// <summary>YaRN's magnitude from the factor of scaling and <c>yarn_log_multiplier</c> (0: none).</summary>
    public Func<double, double, double> Magnitude { get; init; } = (factor, _) => RopeReader.Magnitude(factor, 1);
}
