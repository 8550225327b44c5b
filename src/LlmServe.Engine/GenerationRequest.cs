namespace LlmServe.Engine;

/// <summary>One generation: a prompt in token ids, how to sample, and when to stop.</summary>
public sealed record GenerationRequest
{
    /// <summary>Prompt token ids, at least one, all inside the vocabulary.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>How to sample.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Most tokens to generate; null: as many as the context holds.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Texts that end the generation; the text from the first of them on is not returned. Found across token borders.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Whether end-of-generation tokens are ignored.</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>Whether control tokens appear in the text.</summary>
    public bool SpecialTokensInText { get; init; }

    /// <summary>How many of the likeliest tokens to report with log-probabilities; null: none, 0: only the chosen token's.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>
    /// Who asks, by any name that is the same for all requests of one client (an API key's name, say). Clients share the machine fairly; requests
    /// without a name count as one client.
    /// </summary>
    public string? Client { get; init; }

    /// <summary>Requests of a higher priority are let in and read first; from <see cref="RequestLimits.MinPriority"/> to <see cref="RequestLimits.MaxPriority"/>.</summary>
    public int Priority { get; init; }
}

/// <summary>Sampling parameters (NUMERICS: "Sampling"). A parameter at its neutral value is a step that is left out.</summary>
public sealed record SamplingOptions
{
    /// <summary>0 is greedy.</summary>
    public float Temperature { get; init; }

    /// <summary>Keep the first k tokens; 0: all.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the shortest prefix that reaches this share; 1: all.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keep tokens at least this likely relative to the likeliest; 0: all.</summary>
    public float MinP { get; init; }

    /// <summary>Repetition penalty over prompt and answer; 1: off.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Tokens that the repetition penalty looks back over; null: all.</summary>
    public int? RepetitionWindow { get; init; }

    /// <summary>Subtracted per occurrence in the answer; 0: off.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Subtracted once if the token occurs in the answer; 0: off.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Added to logits by token id.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Key of the random draws. The same seed, tokens and parameters always draw the same token.</summary>
    public ulong Seed { get; init; }

    /// <summary>Number of this answer among several to the same prompt, from 0; answers with different numbers draw independently.</summary>
    public int Choice { get; init; }
}
