using LlmServe.Constraints;

namespace LlmServe.Conversation.Grammars;

/// <summary>Arguments in Gemma 4's notation: JSON without quotes around keys, and with a token of its own as the quote around strings.</summary>
/// <param name="grammar">What the rule is part of.</param>
/// <param name="quote">The quote.</param>
internal sealed class GemmaGrammar(ToolGrammar grammar, ConstraintPart quote)
{
    private const int MostDepth = 8;

    public ConstraintPart Arguments(ToolDefinition tool) => grammar.SchemaOf(tool) is { } schema ? Object(schema, 0) : AnyObject();

    private ConstraintPart Object(ArgumentSchema schema, int depth)
    {
        if (schema.Members is not { } members || depth == MostDepth)
        {
            return AnyObject();
        }

        var written = members.Select(member => ToolGrammar.Sequence(ToolGrammar.Literal(member.Name + ":"), Value(member.Schema, depth + 1))).ToArray();
        return ToolGrammar.Sequence(
            ToolGrammar.Literal("{"), ToolGrammar.List(written, [.. members.Select(member => member.IsRequired)], ","), ToolGrammar.Literal("}"));
    }

    private ConstraintPart Value(ArgumentSchema schema, int depth)
    {
        var branches = schema.Branches;
        if (branches.Count > 1 && depth < MostDepth)
        {
            return ToolGrammar.OneOf([.. branches.Select(branch => Value(branch, depth + 1))]);
        }

        const JsonTypes Plain = JsonTypes.Null | JsonTypes.Boolean | JsonTypes.Number;
        var resolved = schema.Resolved;
        var types = schema.Types;
        var ways = new List<ConstraintPart>();
        if ((types & JsonTypes.Text) != 0)
        {
            ways.Add(schema.Texts is { } texts ? Quoted(ToolGrammar.OneOf([.. texts.Select(ToolGrammar.Literal)])) : Text());
        }

        if ((types & JsonTypes.Object) != 0 && types != JsonTypes.All)
        {
            ways.Add(Object(resolved, depth));
        }

        if ((types & JsonTypes.List) != 0 && types != JsonTypes.All)
        {
            ways.Add(List(resolved, resolved.Items is { } items && depth < MostDepth ? Value(items, depth + 1) : Text()));
        }

        if ((types & Plain) != 0)
        {
            ways.Add(new ConstraintPart.Schema(schema.Alone(types & Plain)));
        }

        return ToolGrammar.OneOf(ways);
    }

    private static ConstraintPart List(ArgumentSchema list, ConstraintPart item)
    {
        var (least, most) = (list.Count("minItems") ?? 0, list.Count("maxItems"));
        var more = new ConstraintPart.Repeat(ToolGrammar.Sequence(ToolGrammar.Literal(","), item), Math.Max(0, least - 1), most - 1);
        var items = most == 0 ? ToolGrammar.Nothing : ToolGrammar.Sequence(item, more);
        return ToolGrammar.Sequence(ToolGrammar.Literal("["), least == 0 ? ToolGrammar.Optional(items) : items, ToolGrammar.Literal("]"));
    }

    private ConstraintPart Text() => Quoted(grammar.TextWithout("<|\"|>"));

    private ConstraintPart Quoted(ConstraintPart text) => ToolGrammar.Sequence(quote, text, quote);

    private ConstraintPart AnyObject()
    {
        var member = ToolGrammar.Sequence(new ConstraintPart.Regex("[A-Za-z_][A-Za-z0-9_]{0,63}:"), Text());
        return ToolGrammar.Sequence(
            ToolGrammar.Literal("{"),
            ToolGrammar.Optional(ToolGrammar.Sequence(member, new ConstraintPart.Repeat(ToolGrammar.Sequence(ToolGrammar.Literal(","), member), 0, 63))),
            ToolGrammar.Literal("}"));
    }
}
