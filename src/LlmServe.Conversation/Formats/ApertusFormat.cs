using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>Apertus: <c>&lt;|tools_prefix|&gt;[{"NAME": {…}}, …]&lt;|tools_suffix|&gt;</c>.</summary>
internal sealed class ApertusFormat : ToolFormat
{
    private const string Prefix = "<|tools_prefix|>";
    private const string Suffix = "<|tools_suffix|>";

    /// <inheritdoc/>
    public override string Name => "apertus";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [Prefix, Suffix];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => [Prefix];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.TakeMarkAsync("[");
        do
        {
            await reader.TakeMarkAsync("{");
            await reader.SkipSpaceAsync();
            string name = await reader.JsonStringAsync();
            await reader.TakeMarkAsync(":");
            await reader.SkipSpaceAsync();
            await reader.CallAsync(name);
            await reader.TakeMarkAsync("}");
            await reader.SkipSpaceAsync();
        }
        while (await reader.TryTakeAsync(","));

        await reader.TakeAsync("]");
        await reader.TakeMarkAsync(Suffix);
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var call = grammar.AnyTool(tool => ToolGrammar.Sequence(
            ToolGrammar.Literal($"{{{ToolGrammar.Quoted(tool.Name)}: "), grammar.Arguments(tool), ToolGrammar.Literal("}")));
        return ToolGrammar.Sequence(
            grammar.Mark(Prefix), ToolGrammar.Literal("["), grammar.Several(call, ToolGrammar.Literal(", ")), ToolGrammar.Literal("]"), grammar.Mark(Suffix));
    }
}
