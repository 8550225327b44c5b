using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>How the models of a family write calls of tools into their answers.</summary>
internal abstract class ToolFormat
{
    /// <summary>Its name, as <c>--tool-format</c> takes it.</summary>
    public abstract string Name { get; }

    /// <summary>The marks that a vocabulary may have control tokens for.</summary>
    public abstract IReadOnlyList<string> Marks { get; }

    /// <summary>The marks that begin a call or a block of calls within text; empty where an answer is a call as a whole.</summary>
    public virtual IReadOnlyList<string> Openers => [];

    /// <summary>Marks that stand around plain text and are no part of it.</summary>
    public virtual IReadOnlyList<string> Wrappers => [];

    /// <summary>Whether the format writes reasoning in its own way, and <see cref="ReadAsync"/> reads the whole answer with it.</summary>
    public virtual bool ReadsReasoning => false;

    /// <summary>Whether an answer holds one call at most.</summary>
    public virtual bool IsSingle => false;

    /// <summary>
    /// Reads a block of calls, up to its end; for a format without <see cref="Openers"/> the whole answer. What is no block is malformed, and becomes text.
    /// </summary>
    /// <param name="reader">The answer, behind the opener.</param>
    /// <param name="opener">Which of <see cref="Openers"/> was read; empty where there are none.</param>
    /// <exception cref="MalformedCallException">It is no block of calls.</exception>
    public abstract Reading ReadAsync(AnswerReader reader, string opener);

    /// <summary>Calls as the models of the family write them, for templates that do not; null where this is not known.</summary>
    /// <param name="calls">Names, and arguments as JSON.</param>
    public virtual string? Write(IReadOnlyList<(string Name, string Arguments)> calls) => null;

    /// <summary>The rule for an answer, behind reasoning: calls that are right, and text where the tool choice allows it.</summary>
    public virtual ConstraintPart Answer(ToolGrammar grammar)
    {
        var calls = Calls(grammar);
        if (grammar.MustCall)
        {
            return ToolGrammar.Sequence(ToolGrammar.Space, calls);
        }

        return grammar.Response is { } response
            ? ToolGrammar.OneOf(new ConstraintPart.Rule(response), ToolGrammar.Sequence(ToolGrammar.Space, calls))
            : ToolGrammar.Sequence(Text(grammar), ToolGrammar.Optional(calls));
    }

    /// <summary>Text in which no call begins.</summary>
    public virtual ConstraintPart Text(ToolGrammar grammar) => grammar.TextWithout(Openers);

    /// <summary>One call, or several where the grammar allows it, with their marks.</summary>
    protected abstract ConstraintPart Calls(ToolGrammar grammar);
}
