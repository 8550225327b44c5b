namespace LlmServe.Http;

/// <summary>A model of a server.</summary>
internal sealed record ModelEntry
{
    /// <summary>What requests call it.</summary>
    public required string Id { get; init; }

    /// <summary>What it is.</summary>
    public string Object => "model";

    /// <summary>Since when it is served, in seconds of Unix.</summary>
    public required long Created { get; init; }

    /// <summary>Whose it is.</summary>
    public string OwnedBy => "llmserve";

    /// <summary>Most tokens of prompt and answer, by the name that vLLM has for it.</summary>
    public required int MaxModelLen { get; init; }

    /// <summary>What llama-server says of it.</summary>
    public required ModelMeta Meta { get; init; }

    /// <summary>What it can do.</summary>
    public required IReadOnlyList<string> Capabilities { get; init; }
}
