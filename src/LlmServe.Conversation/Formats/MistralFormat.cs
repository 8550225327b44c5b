using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Mistral: <c>[TOOL_CALLS][{"name", "arguments", "id"}]</c> up to version 7, <c>[TOOL_CALLS]NAME[CALL_ID]id[ARGS]{…}</c> and the same without the id later,
/// one mark for each call.
/// </summary>
/// <param name="namesFirst">Whether names stand before the arguments, outside of JSON.</param>
/// <param name="hasIds">Whether ids do.</param>
internal sealed class MistralFormat(bool namesFirst, bool hasIds = false) : ToolFormat
{
    private const string ToolCalls = "[TOOL_CALLS]";
    private const string CallId = "[CALL_ID]";
    private const string Args = "[ARGS]";

    /// <inheritdoc/>
    public override string Name => !namesFirst ? "mistral" : hasIds ? "mistral-call-id" : "mistral-args";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [ToolCalls, CallId, Args];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => [ToolCalls];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        do
        {
            await reader.SkipSpaceAsync();
            if (await reader.PeekAsync() == '[')
            {
                await CallObject.ReadListAsync(reader, "name", "arguments", "id");
            }
            else
            {
                await ReadNamedAsync(reader);
            }

            await reader.SkipSpaceAsync();
        }
        while (await reader.TryTakeAsync(reader.Mark(ToolCalls)));

        if (!await reader.IsAtEndAsync())
        {
            throw new MalformedCallException();
        }
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar) => !namesFirst
        ? ToolGrammar.Sequence(
            grammar.Mark(ToolCalls), ToolGrammar.Literal("["), grammar.Several(grammar.CallObject("name", "arguments"), ToolGrammar.Literal(", ")),
            ToolGrammar.Literal("]"))
        : grammar.Several(grammar.AnyTool(tool => ToolGrammar.Sequence(
            grammar.Mark(ToolCalls), ToolGrammar.Literal(tool.Name),
            hasIds ? ToolGrammar.Sequence(grammar.Mark(CallId), new ConstraintPart.Regex("[0-9A-Za-z]{9}")) : ToolGrammar.Nothing,
            grammar.Mark(Args), grammar.Arguments(tool))));

    private static async Reading ReadNamedAsync(AnswerReader reader)
    {
        string name = await reader.WordAsync();
        string? id = await reader.TryTakeAsync(reader.Mark(CallId)) ? await reader.WordAsync() : null;
        await reader.TakeAsync(reader.Mark(Args));
        await reader.SkipSpaceAsync();
        await reader.CallAsync(name, id);
    }
}
