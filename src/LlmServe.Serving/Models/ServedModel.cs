using LlmServe.Engine;
using LlmServe.Text.Templates;

namespace LlmServe.Serving;

/// <summary>A model that a server offers, and what it tells clients about it.</summary>
public sealed record ServedModel
{
    /// <summary>What requests call it: 1 … 128 letters, digits and <c>. _ - : /</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The engine that runs it. Stopping the server stops it; disposing it stays with its owner.</summary>
    public required LlmEngine Engine { get; init; }

    /// <summary>How a conversation becomes a prompt; null: the model takes no part in chats.</summary>
    public ChatTemplate? Template { get; init; }

    /// <summary>The source of <see cref="Template"/>, shown to clients.</summary>
    public string TemplateSource { get; init; } = "";

    /// <summary>The name that the model's file gives it.</summary>
    public string Name { get; init; } = "";

    /// <summary>The formats of its weights, such as <c>Q4_1</c>.</summary>
    public string Quantization { get; init; } = "";

    /// <summary>Number of weights; 0: unknown.</summary>
    public long ParameterCount { get; init; }

    /// <summary>
    /// How clients sample that do not default to greedy and say nothing else: what the model's file recommends, else temperature 0.8, top-p 0.95 and
    /// min-p 0.05.
    /// </summary>
    public SamplingOptions DefaultSampling { get; init; } = new() { Temperature = 0.8f, TopP = 0.95f, MinP = 0.05f };
}
