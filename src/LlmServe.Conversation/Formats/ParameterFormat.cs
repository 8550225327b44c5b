using System.Text.Json;
using LlmServe.Constraints;
using LlmServe.Conversation.Grammars;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>
/// Calls as marked-up parameters, whose values are strings as they are and JSON for anything else: Qwen3-Coder, GLM, MiniMax M2, DeepSeek V3.2 and their
/// relatives. What comes out is a JSON object, by the types of the tool's schema.
/// </summary>
internal sealed class ParameterFormat(string name, ParameterShape shape) : ToolFormat
{
    private const int MostParameters = 64; // of a tool without a schema
    private const string CdataOpen = "<![CDATA[";
    private const string CdataClose = "]]>";

    /// <inheritdoc/>
    public override string Name => name;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Marks { get; } = [.. shape.Marks];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Openers { get; } = shape.BlockOpen is not { } open ? [shape.CallOpen]
        : shape.MayLoseBlockOpen ? [open, shape.CallOpen] : [open];

    /// <inheritdoc/>
    public override async Reading ReadAsync(AnswerReader reader, string opener)
    {
        bool isCall = opener == shape.CallOpen;
        if (!isCall)
        {
            await reader.TakeMarkAsync(shape.CallOpen);
        }

        do
        {
            await ReadCallAsync(reader);
            await reader.SkipSpaceAsync();
        }
        while (shape.BlockOpen is not null && await reader.TryTakeAsync(reader.Mark(shape.CallOpen)));

        if (shape.BlockClose is { } close)
        {
            await reader.TakeAsync(reader.Mark(close));
        }
    }

    /// <inheritdoc/>
    protected override ConstraintPart Calls(ToolGrammar grammar)
    {
        var call = grammar.AnyTool(tool => ToolGrammar.Sequence(
            grammar.Mark(shape.CallOpen), ToolGrammar.Literal(tool.Name + shape.NameEnd + shape.Line), Parameters(grammar, tool), grammar.Mark(shape.CallClose)));
        if (shape.BlockOpen is not { } open)
        {
            return grammar.Several(call, ToolGrammar.Literal(shape.Line));
        }

        var line = ToolGrammar.Literal(shape.Line);
        var close = grammar.Mark(shape.BlockClose!);
        return shape.HasSeveralInBlock
            ? ToolGrammar.Sequence(grammar.Mark(open), line, grammar.Several(ToolGrammar.Sequence(call, line)), close)
            : grammar.Several(ToolGrammar.Sequence(grammar.Mark(open), line, call, line, close), line);
    }

    private ConstraintPart Parameters(ToolGrammar grammar, ToolDefinition tool)
    {
        if (grammar.SchemaOf(tool)?.Members is not { } parameters)
        {
            var any = Parameter(grammar, new ConstraintPart.Regex("[A-Za-z0-9_.-]{1,64}"), grammar.TextWithout(shape.ValueClose), isText: true);
            return new ConstraintPart.Repeat(any, 0, MostParameters);
        }

        return ToolGrammar.Sequence([.. parameters.Select(parameter =>
        {
            var written = Parameter(grammar, parameter);
            return parameter.IsRequired ? written : ToolGrammar.Optional(written);
        })]);
    }

    private ConstraintPart Parameter(ToolGrammar grammar, ArgumentMember parameter)
    {
        var schema = parameter.Schema;
        var name = ToolGrammar.Literal(parameter.Name);
        var text = Parameter(grammar, name, Text(grammar, schema), isText: true);
        var json = Parameter(grammar, name, new ConstraintPart.Schema(schema.Alone(schema.Kind == ArgumentKind.Json ? JsonTypes.All : schema.Types & ~JsonTypes.Text)), isText: false);
        return schema.Kind switch
        {
            ArgumentKind.Text => text,
            ArgumentKind.Json => json,
            _ => ToolGrammar.OneOf(json, text),
        };
    }

    private ConstraintPart Parameter(ToolGrammar grammar, ConstraintPart name, ConstraintPart value, bool isText)
    {
        var line = ToolGrammar.Literal(shape.TrimsBreaks ? "\n" : "");
        var says = shape.SaysKind ? ToolGrammar.Literal($" string=\"{(isText ? "true" : "false")}\">") : ToolGrammar.Nothing;
        return ToolGrammar.Sequence(
            grammar.Mark(shape.KeyOpen), name, grammar.Mark(shape.KeyEnd), says,
            shape.ValueOpen.Length > 0 ? ToolGrammar.Sequence(ToolGrammar.Literal(shape.Line), grammar.Mark(shape.ValueOpen)) : ToolGrammar.Nothing,
            line, value, line, grammar.Mark(shape.ValueClose), ToolGrammar.Literal(shape.Line));
    }

    /// <summary>A string as it is: one of those that the schema lists, or any in which the value does not end.</summary>
    private ConstraintPart Text(ToolGrammar grammar, ArgumentSchema schema) => schema.Texts is { } texts
        ? ToolGrammar.OneOf([.. texts.Select(ToolGrammar.Literal)]) : grammar.TextWithout(shape.ValueClose);

    private async Reading ReadCallAsync(AnswerReader reader)
    {
        string tool = await reader.WordAsync();
        await reader.TakeAsync(shape.NameEnd);
        reader.StartCall(tool);
        await reader.SkipSpaceAsync();
        string separator = "{";
        while (!await reader.TryTakeAsync(reader.Mark(shape.CallClose)))
        {
            await reader.TakeAsync(reader.Mark(shape.KeyOpen));
            string key = await reader.UntilAsync(reader.Mark(shape.KeyEnd));
            var schema = reader.Tools.SchemaOf(tool, key);
            var kind = schema?.Kind ?? ArgumentKind.Text;
            if (shape.SaysKind)
            {
                string says = await reader.UntilAsync(">");
                kind = says.Contains("\"true\"", StringComparison.Ordinal) ? ArgumentKind.Text : ArgumentKind.Json;
            }

            if (shape.ValueOpen.Length > 0)
            {
                await reader.TakeMarkAsync(shape.ValueOpen);
            }

            reader.Writer.Arguments($"{separator}\"{AnswerReader.Encode(key)}\": ");
            await ReadValueAsync(reader, kind, schema);
            await reader.SkipSpaceAsync();
            separator = ", ";
        }

        reader.Writer.Arguments(separator == "{" ? "{}" : "}");
        reader.Writer.EndCall();
    }

    private async Reading ReadValueAsync(AnswerReader reader, ArgumentKind kind, ArgumentSchema? schema)
    {
        string close = reader.Mark(shape.ValueClose);
        if (shape.TrimsBreaks)
        {
            await reader.TryTakeAsync("\n");
        }

        if (kind == ArgumentKind.Text)
        {
            await ReadTextAsync(reader, close);
            return;
        }

        if (kind == ArgumentKind.Json)
        {
            await reader.SkipSpaceAsync();
            if (await reader.PeekAsync() is var first && first is '{' or '[')
            {
                await reader.JsonAsync(first, reader.Writer.Arguments); // to its own end: a string in it may hold the closing mark
                await reader.SkipSpaceAsync();
                await reader.TakeAsync(close);
                return;
            }
        }

        string value = await reader.UntilAsync(close);
        value = shape.TrimsBreaks && value.EndsWith('\n') ? value[..^1] : value;
        if (kind == ArgumentKind.TextOrJson && !IsJsonOf(value, schema!.Value.Types))
        {
            value = $"\"{AnswerReader.Encode(reader.Markers.Spelled(value))}\"";
        }
        else if (!AnswerReader.IsJson(value))
        {
            throw new MalformedCallException();
        }

        reader.Writer.Arguments(value.Trim());
    }

    private static bool IsJsonOf(string value, JsonTypes types) =>
        AnswerReader.IsJson(value) && (ArgumentSchema.TypeOf(JsonElement.Parse(value)) & types & ~JsonTypes.Text) != 0;

    private async Reading ReadTextAsync(AnswerReader reader, string close)
    {
        void Write(ReadOnlySpan<char> text) => reader.Writer.Arguments(AnswerReader.Encode(reader.Markers.Spelled(text)));
        reader.Writer.Arguments("\"");
        if (shape.HasCdata && await reader.TryTakeAsync(CdataOpen))
        {
            await reader.TextUntilAsync([CdataClose], Write);
            await reader.TakeAsync(close);
        }
        else
        {
            await reader.TextUntilAsync(shape.TrimsBreaks ? ["\n" + close, close] : [close], Write);
        }

        reader.Writer.Arguments("\"");
    }
}
