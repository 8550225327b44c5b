using System.Text;
using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Gemma 4: <c>&lt;|tool_call&gt;call:NAME{key:&lt;|"|&gt;text&lt;|"|&gt;,n:1,list:[…],object:{…}}&lt;tool_call|&gt;</c>, with strings between quotes that are a
/// token of their own and keys without any.
/// </summary>
internal sealed class GemmaFormat : ToolFormat
{
    private const string Open = "<|tool_call>";
    private const string Close = "<tool_call|>";
    private const string Quote = "<|\"|>";
    private const int MostDepth = 64;

    /// <inheritdoc/>
    public override string Name => "gemma4";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks => [Open, Close, Quote];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers => [Open];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.SkipSpaceAsync();
        await reader.TakeAsync("call:");
        string name = await reader.WordAsync();
        reader.StartCall(name);
        var json = new StringBuilder();
        await ReadObjectAsync(reader, json, 0);
        reader.Writer.Arguments(json.ToString());
        reader.Writer.EndCall();
        await reader.TakeMarkAsync(Close);
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar) => grammar.Several(grammar.AnyTool(tool => ToolGrammar.Sequence(
        grammar.Mark(Open), ToolGrammar.Literal($"call:{tool.Name}"), new GemmaGrammar(grammar, grammar.Mark(Quote)).Arguments(tool), grammar.Mark(Close))));

    private static async Reading ReadObjectAsync(AnswerReader reader, StringBuilder json, int depth)
    {
        await reader.TakeAsync("{");
        json.Append('{');
        for (bool isFirst = true; !await reader.TryTakeAsync("}"); isFirst = false)
        {
            if (!isFirst)
            {
                await reader.TakeAsync(",");
                json.Append(", ");
            }

            string key = await reader.UntilAsync(":");
            json.Append('"').Append(AnswerReader.Encode(reader.Markers.Spelled(key))).Append("\": ");
            await ReadValueAsync(reader, json, depth + 1);
        }

        json.Append('}');
    }

    private static async Reading ReadValueAsync(AnswerReader reader, StringBuilder json, int depth)
    {
        if (depth > MostDepth)
        {
            throw new MalformedCallException();
        }

        string quote = reader.Mark(Quote);
        if (await reader.TryTakeAsync(quote))
        {
            string text = await reader.UntilAsync(quote);
            json.Append('"').Append(AnswerReader.Encode(reader.Markers.Spelled(text))).Append('"');
            return;
        }

        switch (await reader.PeekAsync())
        {
            case '{':
                await ReadObjectAsync(reader, json, depth);
                break;
            case '[':
                await ReadListAsync(reader, json, depth);
                break;
            default:
                json.Append(await ReadAtomAsync(reader));
                break;
        }
    }

    private static async Reading ReadListAsync(AnswerReader reader, StringBuilder json, int depth)
    {
        await reader.TakeAsync("[");
        json.Append('[');
        for (bool isFirst = true; !await reader.TryTakeAsync("]"); isFirst = false)
        {
            if (!isFirst)
            {
                await reader.TakeAsync(",");
                json.Append(", ");
            }

            await ReadValueAsync(reader, json, depth + 1);
        }

        json.Append(']');
    }

    private static async Reading<string> ReadAtomAsync(AnswerReader reader)
    {
        string sign = await reader.TryTakeAsync("-") ? "-" : "";
        string word = await reader.WordAsync();
        if (word.EndsWith('e') && await reader.TryTakeAsync("+"))
        {
            word += "+" + await reader.WordAsync();
        }

        return AnswerReader.IsJson(sign + word) ? sign + word : throw new MalformedCallException();
    }
}
