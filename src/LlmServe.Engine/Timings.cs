namespace LlmServe.Engine;

/// <summary>Where the time went, in seconds.</summary>
/// <param name="Queue">Waiting before the first prompt row ran.</param>
/// <param name="Prefill">From then to the first token.</param>
/// <param name="Decode">From the first token to the last.</param>
public sealed record Timings(double Queue, double Prefill, double Decode)
{
    /// <summary>From the request to its first token; null when it had none.</summary>
    public double? TimeToFirstToken { get; init; }

    /// <summary>Tokens per second after the first token; null with fewer than two.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>What <see cref="LlmEngine.Plan(GenerationRequest)"/> said of <see cref="TimeToFirstToken"/> when the request came; null where the machine is not measured.</summary>
    public double? PredictedTimeToFirstToken { get; init; }

    /// <summary>Where <see cref="TimeToFirstToken"/> should have fallen; null where nothing was predicted.</summary>
    public PredictedRange? PredictedTimeToFirstTokenRange { get; init; }

    /// <summary>Where <see cref="TokensPerSecond"/> should have fallen; null where nothing was predicted.</summary>
    public PredictedRange? PredictedTokensPerSecondRange { get; init; }

    /// <summary>What <see cref="LlmEngine.Plan(GenerationRequest)"/> said of <see cref="TokensPerSecond"/> when the request came; null where the machine is not measured.</summary>
    public double? PredictedTokensPerSecond { get; init; }
}
