using System.Text.Json.Serialization;

namespace LlmServe.Http;

/// <summary>An answer of <c>/v1/completions</c>, or a part of one.</summary>
internal sealed record TextCompletion
{
    /// <summary>The same in all parts.</summary>
    public required string Id { get; init; }

    /// <summary>What it is.</summary>
    public string Object => "text_completion";

    /// <summary>When it began, in seconds of Unix.</summary>
    public required long Created { get; init; }

    /// <summary>The model.</summary>
    public required string Model { get; init; }

    /// <summary>What computed it.</summary>
    public required string SystemFingerprint { get; init; }

    /// <summary>The answers; none in the part that has the usage.</summary>
    public IReadOnlyList<TextChoice> Choices { get; init; } = [];

    /// <summary>Tokens read and written.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public OpenAiUsage? Usage { get; init; }

    /// <summary>Where the time went.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public LlamaTimings? Timings { get; init; }
}
