using LlmServe.Constraints;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>How to generate: all of a generation but its prompt and who asks for it. What is left out is neutral.</summary>
public sealed record GenerationSettings
{
    /// <summary>How to sample.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Most tokens to generate; null: <see cref="DefaultMaxTokens"/>.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Most tokens where the client names no limit; null: what the server and the client's key allow, else what the context holds.</summary>
    public int? DefaultMaxTokens { get; init; }

    /// <summary>Texts that end the generation.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>What the answer must be; null: any text.</summary>
    public ConstraintRule? Rule { get; init; }

    /// <summary>Path of the request's field with the rule, for messages.</summary>
    public string RuleField { get; init; } = "rule";

    /// <summary>Whether end-of-generation tokens are ignored.</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>Whether control tokens appear in the text.</summary>
    public bool SpecialTokensInText { get; init; }

    /// <summary>How many of the likeliest tokens to report with log-probabilities; null: none.</summary>
    public int? LogProbabilities { get; init; }
}
