using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Functionary 3.2: the answer is parts, each a recipient, a line break and what it gets; <c>all</c> gets text, any other recipient is a tool and gets its
/// arguments. Parts begin with <c>&gt;&gt;&gt;</c>, which for the first one stands in the prompt.
/// </summary>
internal sealed class RecipientFormat : ToolFormat
{
    private const string PartMark = ">>>";
    private const string Everyone = "all";

    /// <inheritdoc/>
    public override string Name => "functionary-v3.2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        for (bool isPart = true; isPart;)
        {
            string recipient = await reader.WordAsync();
            await reader.TakeAsync("\n");
            if (recipient == Everyone)
            {
                // Text goes on as it comes; nothing before it is in doubt any more.
                reader.Settle();
                isPart = await reader.TextUntilAsync(["\n" + PartMark, PartMark], reader.Writer.Text, mayEnd: true) >= 0;
                reader.Settle();
                continue;
            }

            await reader.SkipSpaceAsync();
            await reader.CallAsync(recipient);
            await reader.SkipSpaceAsync();
            isPart = await reader.TryTakeAsync(PartMark);
        }

        if (!await reader.IsAtEndAsync())
        {
            throw new MalformedCallException();
        }
    }

    /// <inheritdoc/>
    public override ConstraintPart Answer(ToolGrammar grammar)
    {
        var calls = Calls(grammar);
        if (grammar.MustCall)
        {
            return calls;
        }

        var text = ToolGrammar.Sequence(
            ToolGrammar.Literal(Everyone + "\n"), grammar.Response is { } response ? new ConstraintPart.Rule(response) : Text(grammar));
        return ToolGrammar.OneOf(calls, ToolGrammar.Sequence(text, ToolGrammar.Optional(ToolGrammar.Sequence(ToolGrammar.Literal(PartMark), calls))));
    }

    /// <inheritdoc/>
    public override ConstraintPart Text(ToolGrammar grammar) => grammar.TextWithout(PartMark);

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar) => grammar.Several(
        grammar.AnyTool(tool => ToolGrammar.Sequence(ToolGrammar.Literal(tool.Name + "\n"), grammar.Arguments(tool))),
        ToolGrammar.Literal("\n" + PartMark));
}
