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

    /// <summary>DRY: how strongly tokens are penalized that would prolong a repetition of what stands in prompt or answer; 0: off.</summary>
    public float DryMultiplier { get; init; }

    /// <summary>DRY: the penalty's factor for each token that a repetition is longer than <see cref="DryAllowedLength"/>.</summary>
    public float DryBase { get; init; } = 1.75f;

    /// <summary>DRY: length of the shortest repetition that is penalized, by the multiplier alone; at least 1.</summary>
    public int DryAllowedLength { get; init; } = 2;

    /// <summary>DRY: tokens that are looked back over; null: all.</summary>
    public int? DryWindow { get; init; }

    /// <summary>DRY: texts that no repetition is counted across. A token that contains one is a breaker.</summary>
    public IReadOnlyList<string> DryBreakers { get; init; } = ["\n", ":", "\"", "*"];

    /// <summary>XTC: how often the likeliest tokens are left out, all but the last that is likely enough; 0: off. No effect at temperature 0.</summary>
    public float XtcProbability { get; init; }

    /// <summary>XTC: the share from which a token is likely enough.</summary>
    public float XtcThreshold { get; init; } = 0.1f;

    /// <summary>Added to logits by token id.</summary>
    public IReadOnlyDictionary<int, float> LogitBias { get; init; } = new Dictionary<int, float>();

    /// <summary>Key of the random draws. The same seed, tokens and parameters always draw the same token.</summary>
    public ulong Seed { get; init; }

    /// <summary>Number of this answer among several to the same prompt, from 0; answers with different numbers draw independently.</summary>
    public int Choice { get; init; }
}
