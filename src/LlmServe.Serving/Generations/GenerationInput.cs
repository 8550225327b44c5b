namespace LlmServe.Serving;

/// <summary>A generation as a client asks for it.</summary>
public sealed class GenerationInput
{
    /// <summary>The model.</summary>
    public required ServedModel Model { get; init; }

    /// <summary>What to continue.</summary>
    public required PromptSource Prompt { get; init; }

    /// <summary>How.</summary>
    public required GenerationSettings Settings { get; init; }

    /// <summary>
    /// What the protocol calls a setting, for messages: gets <c>max_tokens</c>, <c>stop</c>, <c>logprobs</c> or <c>sampling.</c> and a name, such as
    /// <c>sampling.top_p</c>.
    /// </summary>
    public Func<string, string> NameOf { get; init; } = name => name;
}
