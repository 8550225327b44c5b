namespace LlmServe.Engine;

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
