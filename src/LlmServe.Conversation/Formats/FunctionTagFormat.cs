using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>Functionary 3.1 and Llama's custom tools: <c>&lt;function=NAME&gt;{…}&lt;/function&gt;</c>, repeated.</summary>
internal sealed class FunctionTagFormat : ToolFormat
{
    private const string Open = "<function=";
    private const string Close = "</function>";

    /// <inheritdoc/>
    public override string Name => "functionary-v3.1";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => [Open];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        string name = await reader.WordAsync();
        await reader.TakeAsync(">");
        await reader.SkipSpaceAsync();
        await reader.CallAsync(name);
        await reader.TakeMarkAsync(Close);
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar) => grammar.Several(grammar.AnyTool(tool => ToolGrammar.Sequence(
        ToolGrammar.Literal($"{Open}{tool.Name}>"), grammar.Arguments(tool), ToolGrammar.Literal(Close))));
}
