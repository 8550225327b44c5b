using LlmServe.Constraints;

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

    /// <summary>
    /// What the answer's text must be like; null: anything. Compiled for the engine's vocabulary. Tokens that are certain to come are taken without sampling, and
    /// without ticks of their own unless log-probabilities are asked for; when nothing may follow, the answer ends with <see cref="FinishReason.Stop"/>.
    /// </summary>
    public TokenConstraint? Constraint { get; init; }

    /// <summary>Whether end-of-generation tokens are ignored.</summary>
    public bool IgnoreEndOfGeneration { get; init; }

    /// <summary>Whether control tokens appear in the text.</summary>
    public bool SpecialTokensInText { get; init; }

    /// <summary>How many of the likeliest tokens to report with log-probabilities; null: none, 0: only the chosen token's.</summary>
    public int? LogProbabilities { get; init; }

    /// <summary>
    /// Positions up to which other prompts will probably begin with the same tokens: the end of a system prompt, the start of each message. Models with recurrent
    /// layers keep their state there, so that those prompts need not be read from the start; for other models it changes nothing.
    /// </summary>
    public IReadOnlyList<int> LikelyPrefixes { get; init; } = [];

    /// <summary>
    /// Who asks, by any name that is the same for all requests of one client (an API key's name, say). Clients share the machine fairly; requests
    /// without a name count as one client.
    /// </summary>
    public string? Client { get; init; }

    /// <summary>Requests of a higher priority are let in and read first; from <see cref="RequestLimits.MinPriority"/> to <see cref="RequestLimits.MaxPriority"/>.</summary>
    public int Priority { get; init; }
}
