using System.Text;
using System.Text.Json;
using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// For models whose template knows no tools: the answer is one JSON object, <c>{"tool_call": {"name", "arguments"}}</c>, <c>{"tool_calls": […]}</c> or
/// <c>{"response": "…"}</c>, whose text is unescaped as it comes.
/// </summary>
internal sealed class GenericFormat : ToolFormat
{
    private static readonly JsonElement AnyText = JsonElement.Parse("""{"type": "string"}""");

    /// <summary>Key of an answer in words.</summary>
    public const string Response = "response";

    /// <summary>Key of a call.</summary>
    public const string Call = "tool_call";

    /// <summary>Key of several calls.</summary>
    public const string AllCalls = "tool_calls";

    /// <inheritdoc/>
    public override string Name => "generic";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.TakeMarkAsync("{");
        await reader.SkipSpaceAsync();
        string key = await reader.JsonStringAsync();
        await reader.TakeMarkAsync(":");
        await reader.SkipSpaceAsync();
        switch (key)
        {
            case Call:
                await CallObject.ReadAsync(reader, "name", "arguments", "id");
                break;
            case AllCalls:
                await CallObject.ReadListAsync(reader, "name", "arguments", "id");
                break;
            case Response:
                await ReadResponseAsync(reader);
                break;
            default:
                throw new MalformedCallException();
        }

        await reader.TakeMarkAsync("}");
        await reader.SkipSpaceAsync();
        if (!await reader.IsAtEndAsync())
        {
            throw new MalformedCallException();
        }
    }

    /// <inheritdoc/>
    public override ConstraintPart Answer(ToolGrammar grammar)
    {
        if (grammar.MustCall)
        {
            return Calls(grammar);
        }

        var text = grammar.Response is { } response ? new ConstraintPart.Rule(response) : Text(grammar);
        return ToolGrammar.OneOf(text, Calls(grammar));
    }

    /// <inheritdoc/>
    public override ConstraintPart Text(ToolGrammar grammar) =>
        ToolGrammar.Sequence(ToolGrammar.Literal($"{{\"{Response}\": "), new ConstraintPart.Schema(AnyText), ToolGrammar.Literal("}"));

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<(string Name, string Arguments)> calls)
    {
        string[] written = [.. calls.Select(call => $"{{\"name\": {ToolGrammar.Quoted(call.Name)}, \"arguments\": {call.Arguments}}}")];
        return written.Length == 1 ? $"{{\"{Call}\": {written[0]}}}" : $"{{\"{AllCalls}\": [{string.Join(", ", written)}]}}";
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var call = grammar.CallObject("name", "arguments");
        var one = ToolGrammar.Sequence(ToolGrammar.Literal($"{{\"{Call}\": "), call, ToolGrammar.Literal("}"));
        var several = ToolGrammar.Sequence(ToolGrammar.Literal($"{{\"{AllCalls}\": ["), grammar.Several(call, ToolGrammar.Literal(", ")), ToolGrammar.Literal("]}"));
        return grammar.IsParallel ? ToolGrammar.OneOf(one, several) : one;
    }

    private static async Reading ReadResponseAsync(AnswerReader reader)
    {
        await reader.TakeAsync("\"");
        reader.Settle();
        var piece = new StringBuilder();
        while (!await reader.TryTakeAsync("\""))
        {
            piece.Clear();
            await ReadCharacterAsync(reader, piece);
            reader.Writer.Text(piece.ToString());
            reader.Settle();
        }
    }

    /// <summary>Reads a character of a JSON string, or an escape; two where the first is half of a pair.</summary>
    private static async Reading ReadCharacterAsync(AnswerReader reader, StringBuilder piece)
    {
        var source = reader.Source;
        int length = 1;
        if (await reader.PeekAsync() == '\\')
        {
            length = await source.HasAsync(2) && source.Unread[1] == 'u' ? 6 : 2;
        }

        if (!await source.HasAsync(length))
        {
            throw new MalformedCallException();
        }

        bool isHigh = length == 6 && source.Unread[2] is 'd' or 'D' && source.Unread[3] is '8' or '9' or 'a' or 'b' or 'A' or 'B';
        length = isHigh && await source.HasAsync(12) ? 12 : length;
        piece.Append(length == 1 && source.Unread[0] >= ' '
            ? source.Unread[..1].ToString()
            : AnswerReader.Decode($"\"{source.Unread[..length]}\"") ?? throw new MalformedCallException());
        source.Skip(length);
    }
}
