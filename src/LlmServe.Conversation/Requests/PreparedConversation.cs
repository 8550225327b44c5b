using LlmServe.Constraints;

namespace LlmServe.Conversation;

/// <summary>A conversation that is ready for the engine.</summary>
public sealed class PreparedConversation
{
    private readonly Func<ConversationParser> _parser;

    internal PreparedConversation(Func<ConversationParser> parser) => _parser = parser;

    /// <summary>The prompt's token ids.</summary>
    public required IReadOnlyList<int> Prompt { get; init; }

    /// <summary>What the answer must be; null: anything.</summary>
    public ConstraintRule? Constraint { get; init; }

    /// <summary>What the caller should know, one sentence each.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Indexes of the messages that left the prompt so that it fits.</summary>
    public IReadOnlyList<int> RemovedMessages { get; init; } = [];

    /// <summary>Name of the template that was used.</summary>
    public required string Template { get; init; }

    /// <summary>How calls of tools are written in the answer.</summary>
    public required string ToolFormat { get; init; }

    /// <summary>A parser for the answer; each answer needs its own.</summary>
    public ConversationParser CreateParser() => _parser();
}
