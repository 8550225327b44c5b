using System.Text.Json;
using LlmServe.Constraints;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Grammars;

/// <summary>What formats build their rules of: marks, calls of each tool, and text.</summary>
/// <param name="tools">The tools.</param>
/// <param name="markers">How the vocabulary writes marks.</param>
/// <param name="isParallel">Whether there may be several calls.</param>
/// <param name="response">What text must be; null: anything.</param>
/// <param name="schemaOf">The schema of a tool's arguments; null where they are any object.</param>
internal sealed class ToolGrammar(ToolSet tools, Markers markers, bool isParallel, ConstraintRule? response, Func<ToolDefinition, ArgumentSchema?> schemaOf)
{
    /// <summary>Calls in one answer at most; no honest one comes near it.</summary>
    private const int MostCalls = 64;

    public static readonly ConstraintPart Nothing = new ConstraintPart.Sequence();

    /// <summary>White space that models put before a call or an answer, where they do.</summary>
    public static readonly ConstraintPart Space = new ConstraintPart.Regex("[ \\n]{0,2}");

    private readonly Dictionary<string, ArgumentSchema?> _schemas = new(StringComparer.Ordinal);

    public ToolSet Tools => tools;

    public bool IsParallel => isParallel;

    public bool MustCall => tools.MustCall;

    /// <summary>What text must be; null: anything.</summary>
    public ConstraintRule? Response => response;

    /// <summary>What a tool's arguments must be, an object; null: any object.</summary>
    public ArgumentSchema? SchemaOf(ToolDefinition tool)
    {
        if (!_schemas.TryGetValue(tool.Name, out var schema))
        {
            _schemas[tool.Name] = schema = schemaOf(tool);
        }

        return schema;
    }

    /// <summary>A mark: its control token, or its text.</summary>
    public ConstraintPart Mark(string name) => markers.Tokens.TryGetValue(name, out int id) ? new ConstraintPart.Token(id) : new ConstraintPart.Literal(name);

    /// <summary>Text and marks one after the other.</summary>
    public ConstraintPart Marks(params string[] names) => Sequence([.. names.Select(Mark)]);

    /// <summary>Text in which no call begins.</summary>
    public ConstraintPart TextWithout(params IEnumerable<string> marks) =>
        new ConstraintPart.TextWithout([.. marks.Where(mark => !markers.Tokens.ContainsKey(mark))], []);

    /// <summary>The arguments of a tool, as JSON.</summary>
    public ConstraintPart Arguments(ToolDefinition tool) =>
        SchemaOf(tool) is { } schema ? new ConstraintPart.Schema(schema.ForObjects()) : new ConstraintPart.JsonObject();

    /// <summary>One of the tools that may be called.</summary>
    public ConstraintPart AnyTool(Func<ToolDefinition, ConstraintPart> call) => OneOf([.. tools.Callable.Select(call)]);

    /// <summary>A call, or several with something between them.</summary>
    public ConstraintPart Several(ConstraintPart call, ConstraintPart? between = null) => !isParallel ? call
        : Sequence(call, new ConstraintPart.Repeat(between is null ? call : Sequence(between, call), 0, MostCalls - 1));

    /// <summary>A call as a JSON object.</summary>
    public ConstraintPart CallObject(string nameKey, string argumentsKey, string? idKey = null) => AnyTool(tool => Sequence(
        Literal($"{{{(idKey is null ? "" : $"\"{idKey}\": ")}"),
        idKey is null ? Nothing : new ConstraintPart.Regex("\"[0-9A-Za-z]{1,16}\", "),
        Literal($"\"{nameKey}\": {Quoted(tool.Name)}, \"{argumentsKey}\": "),
        Arguments(tool),
        Literal("}")));

    /// <summary>Items in order with something between them, of which some may be left out.</summary>
    public static ConstraintPart List(ConstraintPart[] items, bool[] required, string separator)
    {
        // From the last to the first: what may follow an item that is there, and what may stand where none came before.
        var after = Nothing;
        var first = Nothing;
        for (int i = items.Length - 1; i >= 0; i--)
        {
            var here = Sequence(items[i], after);
            var next = Sequence(Literal(separator), here);
            first = required[i] ? here : OneOf(here, first);
            after = required[i] ? next : OneOf(next, after);
        }

        return first;
    }

    public static ConstraintPart Literal(string text) => new ConstraintPart.Literal(text);

    public static ConstraintPart Sequence(params IReadOnlyList<ConstraintPart> parts) => new ConstraintPart.Sequence(parts);

    public static ConstraintPart OneOf(params IReadOnlyList<ConstraintPart> parts) => parts.Count == 1 ? parts[0] : new ConstraintPart.OneOf(parts);

    public static ConstraintPart Optional(ConstraintPart part) => new ConstraintPart.Repeat(part, 0, 1);

    /// <summary>A text as JSON.</summary>
    public static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
}
