using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>Kimi K2: a section of calls <c>functions.NAME:INDEX</c>, which is the call's id, a mark and the arguments.</summary>
internal sealed class KimiFormat : ToolFormat
{
    private const string SectionBegin = "<|tool_calls_section_begin|>";
    private const string SectionEnd = "<|tool_calls_section_end|>";
    private const string CallBegin = "<|tool_call_begin|>";
    private const string ArgumentBegin = "<|tool_call_argument_begin|>";
    private const string CallEnd = "<|tool_call_end|>";
    private const string Prefix = "functions.";

    /// <inheritdoc/>
    public override string Name => "kimi-k2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [SectionBegin, SectionEnd, CallBegin, ArgumentBegin, CallEnd];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => [SectionBegin];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.SkipSpaceAsync();
        while (!await reader.TryTakeAsync(reader.Mark(SectionEnd)))
        {
            await reader.TakeAsync(reader.Mark(CallBegin));
            await reader.SkipSpaceAsync();
            string id = await reader.WordAsync();
            string name = id.StartsWith(Prefix, StringComparison.Ordinal) ? id[Prefix.Length..] : id;
            if (await reader.TryTakeAsync(":"))
            {
                id = $"{id}:{await reader.WordAsync()}";
            }

            await reader.TakeMarkAsync(ArgumentBegin);
            await reader.SkipSpaceAsync();
            await reader.CallAsync(name, id);
            await reader.TakeMarkAsync(CallEnd);
            await reader.SkipSpaceAsync();
        }
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var call = grammar.AnyTool(tool => ToolGrammar.Sequence(
            grammar.Mark(CallBegin), ToolGrammar.Literal($"{Prefix}{tool.Name}:"), new ConstraintPart.Regex("[0-9]{1,3}"),
            grammar.Mark(ArgumentBegin), grammar.Arguments(tool), grammar.Mark(CallEnd)));
        return ToolGrammar.Sequence(grammar.Mark(SectionBegin), grammar.Several(call), grammar.Mark(SectionEnd));
    }
}
