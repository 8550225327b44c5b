using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Llama 3.1 to 3.3: the answer is <c>{"name": N, "parameters": {…}}</c> as a whole, perhaps behind <c>&lt;|python_tag|&gt;</c>; built-in tools are called as
/// <c>&lt;|python_tag|&gt;N.call(k="v")</c>.
/// </summary>
internal sealed class Llama3Format : ToolFormat
{
    private const string PythonTag = "<|python_tag|>";

    /// <inheritdoc/>
    public override string Name => "llama3-json";

    /// <inheritdoc/>
    public override bool IsSingle => true;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [PythonTag];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.SkipSpaceAsync();
        bool hasTag = await reader.TryTakeAsync(reader.Mark(PythonTag));
        if (hasTag && await reader.PeekAsync() != '{')
        {
            await ReadBuiltInAsync(reader);
        }
        else
        {
            await CallObject.ReadAsync(reader, "name", "parameters", null, "type");
        }

        await reader.SkipSpaceAsync();
        if (!await reader.IsAtEndAsync())
        {
            throw new MalformedCallException();
        }
    }

    /// <inheritdoc/>
    public override ConstraintPart Text(ToolGrammar grammar) =>
        ToolGrammar.Optional(ToolGrammar.Sequence(new ConstraintPart.Regex("[^{\\s]"), grammar.TextWithout()));

    /// <inheritdoc/>
    public override ConstraintPart Answer(ToolGrammar grammar) => grammar.MustCall ? Calls(grammar)
        : ToolGrammar.OneOf(Calls(grammar), grammar.Response is { } response ? new ConstraintPart.Rule(response) : Text(grammar));

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar) => grammar.CallObject("name", "parameters");

    private static async Reading ReadBuiltInAsync(AnswerReader reader)
    {
        string name = await reader.WordAsync();
        if (!name.EndsWith(".call", StringComparison.Ordinal))
        {
            throw new MalformedCallException();
        }

        await PythonCalls.ReadArgumentsAsync(reader, name[..^".call".Length]);
    }
}
