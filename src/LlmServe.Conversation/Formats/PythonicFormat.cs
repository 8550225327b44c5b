using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>Calls in Python's notation: <c>[f(a="x"), g()]</c>, as the whole answer, or between LFM2's marks within text.</summary>
internal sealed class PythonicFormat(bool hasMarks) : ToolFormat
{
    private const string Start = "<|tool_call_start|>";
    private const string End = "<|tool_call_end|>";

    /// <inheritdoc/>
    public override string Name => hasMarks ? "lfm2" : "pythonic";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => hasMarks ? [Start, End] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => hasMarks ? [Start] : [];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.SkipSpaceAsync();
        await PythonCalls.ReadListAsync(reader);
        await reader.SkipSpaceAsync();
        if (hasMarks)
        {
            await reader.TakeAsync(reader.Mark(End));
        }
        else if (!await reader.IsAtEndAsync())
        {
            throw new MalformedCallException();
        }
    }

    /// <inheritdoc/>
    public override ConstraintPart Text(ToolGrammar grammar) => hasMarks ? base.Text(grammar)
        : ToolGrammar.Optional(ToolGrammar.Sequence(new ConstraintPart.Regex("[^\\[\\s]"), grammar.TextWithout()));

    /// <inheritdoc/>
    public override ConstraintPart Answer(ToolGrammar grammar) => hasMarks ? base.Answer(grammar) : grammar.MustCall ? Calls(grammar)
        : ToolGrammar.OneOf(Calls(grammar), grammar.Response is { } response ? new ConstraintPart.Rule(response) : Text(grammar));

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<(string Name, string Arguments)> calls)
    {
        var written = calls.Select(call => PythonCalls.Write(call.Name, call.Arguments));
        return $"{(hasMarks ? Start : "")}[{string.Join(", ", written)}]{(hasMarks ? End : "")}";
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var list = ToolGrammar.Sequence(
            ToolGrammar.Literal("["), grammar.Several(grammar.AnyTool(tool => PythonGrammar.Call(grammar, tool)), ToolGrammar.Literal(", ")), ToolGrammar.Literal("]"));
        return hasMarks ? ToolGrammar.Sequence(grammar.Mark(Start), list, grammar.Mark(End)) : list;
    }
}
