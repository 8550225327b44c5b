using LlmServe.Constraints;
using LlmServe.Text.Templates;

namespace LlmServe.Conversation;

/// <summary>A conversation and how it is to be answered.</summary>
public sealed record ConversationRequest
{
    /// <summary>The messages, oldest first.</summary>
    public required IReadOnlyList<ConversationMessage> Messages { get; init; }

    /// <summary>Path of the messages in the caller's request, for errors.</summary>
    public string MessagesPath { get; init; } = "messages";

    /// <summary>The tools that the model may call.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; init; } = [];

    /// <summary>The tools as the caller's request has them, which templates are given where the answer is not taken apart; null: as <see cref="Tools"/> says.</summary>
    public TemplateValue? TemplateTools { get; init; }

    /// <summary>Path of the tools in the caller's request, for errors.</summary>
    public string ToolsPath { get; init; } = "tools";

    /// <summary>Whether the answer calls tools.</summary>
    public ToolChoice ToolChoice { get; init; }

    /// <summary>Whether an answer may hold several calls.</summary>
    public bool ParallelToolCalls { get; init; } = true;

    /// <summary>What the answer's text must be; null: anything.</summary>
    public ConstraintRule? ResponseFormat { get; init; }

    /// <summary>Path of the response format in the caller's request, for errors.</summary>
    public string ResponseFormatPath { get; init; } = "response_format";

    /// <summary>How to reason.</summary>
    public ReasoningOptions Reasoning { get; init; } = new();

    /// <summary>
    /// Whether the answer is taken apart into reasoning, text and calls. Where it is not, the answer is raw text, messages and tools go to the template
    /// as they are, and neither the tool choice nor the reasoning budget has a meaning.
    /// </summary>
    public bool ParsesAnswer { get; init; } = true;

    /// <summary>Whether tools are refused, instead of warned of, where the template never looks at them and the answer is not taken apart.</summary>
    public bool RefusesIgnoredTools { get; init; }

    /// <summary>Name of the template among the model's; null: the one for tools where tools are given, else the usual one.</summary>
    public string? Template { get; init; }

    /// <summary>Further variables of the template.</summary>
    public IReadOnlyList<KeyValuePair<string, TemplateValue>> Variables { get; init; } = [];

    /// <summary>Path of the variables in the caller's request, for errors.</summary>
    public string VariablesPath { get; init; } = "template_variables";

    /// <summary>Whether the prompt ends with the opening of the assistant's turn.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Whether the last message, the assistant's, is continued instead of answered.</summary>
    public bool ContinuesFinalMessage { get; init; }

    /// <summary>Whether control tokens that messages spell out are taken as such.</summary>
    public bool AllowsControlTokens { get; init; }

    /// <summary>Texts that end the answer; looked for in its text alone, not in reasoning or arguments.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>Most tokens of the prompt that are of use: a text that surely has more is refused, or shortened, before all of it is tokenized; null: any.</summary>
    public int? MostTokens { get; init; }

    /// <summary>
    /// Whether whole turns leave a prompt of more than <see cref="MostTokens"/>, the oldest first: never a system message, never a tool's result without its
    /// call, never the last turn.
    /// </summary>
    public bool DropsOldest { get; init; }

    /// <summary>What templates see as the time.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>What rendering may cost; null: the default.</summary>
    public TemplateLimits? Limits { get; init; }

    /// <summary>Whether templates see tools.</summary>
    internal bool HasTools => Tools.Count > 0 || (!ParsesAnswer && TemplateTools is not null);

    /// <summary>Path of a tool, for errors.</summary>
    internal string PathOf(ToolDefinition tool) => $"{ToolsPath}[{Tools.Select((known, i) => (known, i)).First(pair => ReferenceEquals(pair.known, tool)).i}].function";
}
