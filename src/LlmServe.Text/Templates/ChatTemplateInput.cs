using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>What a template renders.</summary>
public sealed record ChatTemplateInput
{
    /// <summary>The conversation, oldest first.</summary>
    public required IReadOnlyList<TemplateMessage> Messages { get; init; }

    /// <summary>The tools as a list in the form of the OpenAI API; null is the template's <c>none</c>.</summary>
    public TemplateValue? Tools { get; init; }

    /// <summary>Whether the text ends with the opening of the assistant's next turn.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The model's beginning-of-sequence token as text, empty where it has none.</summary>
    public string BosToken { get; init; } = "";

    /// <summary>The model's end-of-sequence token as text, empty where it has none.</summary>
    public string EosToken { get; init; } = "";

    /// <summary>
    /// More variables, such as <c>enable_thinking</c>. <c>documents</c> is <c>none</c> where it is absent here; any other absent name is
    /// undefined. They cannot replace the variables that have a property of their own.
    /// </summary>
    public IReadOnlyDictionary<string, TemplateValue> Variables { get; init; } = FrozenDictionary<string, TemplateValue>.Empty;

    /// <summary>What <c>strftime_now</c> shows. It is the caller's, so that a render depends on its input alone.</summary>
    public required DateTimeOffset Now { get; init; }
}
