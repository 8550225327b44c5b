using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// DeepSeek: calls between full-width marks, as <c>NAME&lt;｜tool▁sep｜&gt;{…}</c> (V3.1) or <c>function&lt;｜tool▁sep｜&gt;NAME</c> with the arguments in a JSON
/// fence (V3, R1).
/// </summary>
internal sealed class DeepSeekFormat(bool isFenced) : ToolFormat
{
    private const string CallsBegin = "<｜tool▁calls▁begin｜>";
    private const string CallsEnd = "<｜tool▁calls▁end｜>";
    private const string CallBegin = "<｜tool▁call▁begin｜>";
    private const string CallEnd = "<｜tool▁call▁end｜>";
    private const string Separator = "<｜tool▁sep｜>";
    private const string Fence = "\n```json\n";
    private const string FenceEnd = "```";

    /// <inheritdoc/>
    public override string Name => isFenced ? "deepseek-r1" : "deepseek-v3.1";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [CallsBegin, CallsEnd, CallBegin, CallEnd, Separator];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => [CallsBegin];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.SkipSpaceAsync();
        while (!await reader.TryTakeAsync(reader.Mark(CallsEnd)))
        {
            await reader.TakeAsync(reader.Mark(CallBegin));
            string name = await reader.WordAsync();
            await reader.TakeAsync(reader.Mark(Separator));
            string second = name == "function" ? await reader.WordAsync() : "";
            bool fenced = second.Length > 0 && await reader.TryTakeAsync(Fence);
            await reader.SkipSpaceAsync();
            await reader.CallAsync(fenced ? second : name);
            await reader.SkipSpaceAsync();
            if (fenced)
            {
                await reader.TakeAsync(FenceEnd);
            }

            await reader.TakeMarkAsync(CallEnd);
            await reader.SkipSpaceAsync();
        }
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<(string Name, string Arguments)> calls)
    {
        var written = calls.Select(call => isFenced
            ? $"{CallBegin}function{Separator}{call.Name}{Fence}{call.Arguments}\n{FenceEnd}{CallEnd}" : $"{CallBegin}{call.Name}{Separator}{call.Arguments}{CallEnd}");
        return $"{CallsBegin}{string.Join(isFenced ? "\n" : "", written)}{CallsEnd}";
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var call = grammar.AnyTool(tool => isFenced
            ? ToolGrammar.Sequence(
                grammar.Mark(CallBegin), ToolGrammar.Literal("function"), grammar.Mark(Separator), ToolGrammar.Literal(tool.Name + Fence),
                grammar.Arguments(tool), ToolGrammar.Literal("\n" + FenceEnd), grammar.Mark(CallEnd))
            : ToolGrammar.Sequence(
                grammar.Mark(CallBegin), ToolGrammar.Literal(tool.Name), grammar.Mark(Separator), grammar.Arguments(tool), grammar.Mark(CallEnd)));
        return ToolGrammar.Sequence(
            grammar.Mark(CallsBegin), grammar.Several(call, ToolGrammar.Literal(isFenced ? "\n" : "")), grammar.Mark(CallsEnd));
    }
}
