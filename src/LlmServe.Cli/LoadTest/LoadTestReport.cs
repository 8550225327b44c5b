using LlmServe.Engine;

namespace LlmServe.Cli.LoadTest;

/// <summary>Everything that a load test has measured.</summary>
internal sealed record LoadTestReport
{
    /// <summary>What was tested, for people.</summary>
    public required string Server { get; init; }

    /// <summary>What was asked for.</summary>
    public required LoadTestPlan Plan { get; init; }

    /// <summary>What clients saw.</summary>
    public required LoadStatistics Load { get; init; }

    /// <summary>What one stream alone saw, if asked for.</summary>
    public LoadStatistics? Baseline { get; init; }

    /// <summary>Health probes, if asked for.</summary>
    public HealthProbe? Health { get; init; }

    /// <summary>The long prompt, if asked for.</summary>
    public LongPromptResult? LongPrompt { get; init; }

    /// <summary>The comparison with answers given alone, if asked for.</summary>
    public CheckResult? Check { get; init; }

    /// <summary>Memory and blocks, if asked for.</summary>
    public SoakResult? Soak { get; init; }

    /// <summary>The engine's own figures at the end, of a server in this process.</summary>
    public EngineStatistics? Engine { get; init; }

    /// <summary>Tokens received per second.</summary>
    public double OutputRate => Load.OutputTokens / Load.Elapsed;

    /// <summary>Tokens of finished prompts per second, without those found in the prefix cache.</summary>
    public double PromptRate => (Load.PromptTokens - Load.CachedTokens) / Load.Elapsed;

    /// <summary>Tokens per second of one stream alone; NaN: not asked for.</summary>
    public double BaselineRate => Baseline is { } baseline ? baseline.OutputTokens / baseline.Elapsed : double.NaN;

    /// <summary>Everything that is not as it should be; nothing: the test has passed.</summary>
    public IEnumerable<string> Violations =>
    [
        .. Baseline?.Failures.Select(failure => $"{failure.Value} requests of one stream alone failed: {failure.Key}") ?? [],
        .. Load.Failures.Select(failure => $"{failure.Value} requests failed: {failure.Key}"),
        .. Health is { Failures: > 0 } ? [$"{Health.Failures} health probes failed"] : Array.Empty<string>(),
        .. Check is { DifferentCount: > 0 } ? [$"{Check.DifferentCount} answers differ from those given alone", .. Check.Different] : Array.Empty<string>(),
        .. Soak?.Violations ?? [],
    ];
}
