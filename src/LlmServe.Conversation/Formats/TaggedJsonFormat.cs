using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Calls as JSON objects between two marks: <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c> of Hermes and Qwen and its relatives, with
/// other marks and keys, one object or a list of them.
/// </summary>
internal sealed class TaggedJsonFormat(string name, TaggedJsonShape shape) : ToolFormat
{
    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override bool IsSingle => shape.Calls == TaggedJsonCalls.One && shape.Close is null;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks { get; } = shape.Close is { } close ? [shape.Open, close, .. shape.Wrappers] : [shape.Open, .. shape.Wrappers];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers { get; } = [shape.Open];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Wrappers => shape.Wrappers;

    /// <inheritdoc/>
    public override ConstraintPart Text(ToolGrammar grammar) => shape.Wrappers.Count == 0 ? base.Text(grammar) : ToolGrammar.Sequence(
        ToolGrammar.Optional(grammar.Mark(shape.Wrappers[0])), base.Text(grammar), ToolGrammar.Optional(grammar.Mark(shape.Wrappers[1])));

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        await reader.SkipSpaceAsync();
        switch (shape.Calls)
        {
            case TaggedJsonCalls.One:
                await CallObject.ReadAsync(reader, shape.NameKey, shape.ArgumentsKey, shape.IdKey);
                break;
            case TaggedJsonCalls.List:
                await CallObject.ReadListAsync(reader, shape.NameKey, shape.ArgumentsKey, shape.IdKey);
                break;
            default:
                do
                {
                    await CallObject.ReadAsync(reader, shape.NameKey, shape.ArgumentsKey, shape.IdKey);
                    await reader.SkipSpaceAsync();
                }
                while (await reader.PeekAsync() == '{');
                break;
        }

        await reader.SkipSpaceAsync();
        if (shape.Close is { } close)
        {
            await reader.TakeAsync(reader.Mark(close));
        }
        else if (!await reader.IsAtEndAsync())
        {
            throw new MalformedCallException();
        }
    }

    /// <inheritdoc/>
    public override string Write(IReadOnlyList<(string Name, string Arguments)> calls)
    {
        string line = shape.Breaks ? "\n" : "";
        var objects = calls.Select(call => $"{{\"{shape.NameKey}\": {ToolGrammar.Quoted(call.Name)}, \"{shape.ArgumentsKey}\": {call.Arguments}}}");
        return shape.Calls switch
        {
            TaggedJsonCalls.One => string.Join(line, objects.Select(call => $"{shape.Open}{line}{call}{line}{shape.Close}")),
            TaggedJsonCalls.List => $"{shape.Open}[{string.Join(", ", objects)}]{shape.Close}",
            _ => $"{shape.Open}{line}{string.Concat(objects.Select(call => call + line))}{shape.Close}",
        };
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var call = grammar.CallObject(shape.NameKey, shape.ArgumentsKey, shape.WritesIds ? shape.IdKey : null);
        var open = grammar.Mark(shape.Open);
        var close = shape.Close is { } mark ? grammar.Mark(mark) : ToolGrammar.Nothing;
        var line = ToolGrammar.Literal(shape.Breaks ? "\n" : "");
        return shape.Calls switch
        {
            TaggedJsonCalls.One when shape.Close is null => ToolGrammar.Sequence(open, call),
            TaggedJsonCalls.One => grammar.Several(ToolGrammar.Sequence(open, line, call, line, close), line),
            TaggedJsonCalls.List => ToolGrammar.Sequence(
                open, ToolGrammar.Literal("["), grammar.Several(call, ToolGrammar.Literal(", ")), ToolGrammar.Literal("]"), close),
            _ => ToolGrammar.Sequence(open, line, grammar.Several(ToolGrammar.Sequence(call, line)), close),
        };
    }
}

/// <summary>What is between the marks.</summary>
internal enum TaggedJsonCalls
{
    /// <summary>One object; more calls are more blocks.</summary>
    One,

    /// <summary>A list of objects.</summary>
    List,

    /// <summary>Objects one after the other.</summary>
    Several,
}

/// <summary>How calls are written.</summary>
/// <param name="Open">The mark in front.</param>
/// <param name="Close">The mark behind; null where the answer ends there.</param>
/// <param name="Calls">What is between them.</param>
internal sealed record TaggedJsonShape(string Open, string? Close, TaggedJsonCalls Calls = TaggedJsonCalls.One)
{
    public string NameKey { get; init; } = "name";

    public string ArgumentsKey { get; init; } = "arguments";

    public string? IdKey { get; init; } = "id";

    /// <summary>Whether models write the id, before the name.</summary>
    public bool WritesIds { get; init; }

    /// <summary>Whether line breaks stand between marks and objects.</summary>
    public bool Breaks { get; init; }

    public IReadOnlyList<string> Wrappers { get; init; } = [];
}
