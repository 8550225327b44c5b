using LlmServe.Constraints;

namespace LlmServe.Conversation.Grammars;

/// <summary>Calls in Python's notation, with arguments by name in the schema's order.</summary>
internal static class PythonGrammar
{
    private static readonly ConstraintPart AnyText = new ConstraintPart.Regex("\"([^\"\\\\\\n]|\\\\[\\\\\"nrt])*\"");

    public static ConstraintPart Call(ToolGrammar grammar, ToolDefinition tool) =>
        ToolGrammar.Sequence(ToolGrammar.Literal(tool.Name + "("), Arguments(grammar, tool), ToolGrammar.Literal(")"));

    private static ConstraintPart Arguments(ToolGrammar grammar, ToolDefinition tool)
    {
        if (grammar.SchemaOf(tool)?.Members is { } parameters)
        {
            var written = parameters.Select(parameter => ToolGrammar.Sequence(ToolGrammar.Literal(parameter.Name + "="), Value(parameter.Schema))).ToArray();
            return ToolGrammar.List(written, [.. parameters.Select(parameter => parameter.IsRequired)], ", ");
        }

        var any = ToolGrammar.Sequence(new ConstraintPart.Regex("[A-Za-z_][A-Za-z0-9_]{0,63}="), AnyText);
        return ToolGrammar.Optional(ToolGrammar.Sequence(any, new ConstraintPart.Repeat(ToolGrammar.Sequence(ToolGrammar.Literal(", "), any), 0, 63)));
    }

    /// <summary>JSON is Python's notation but for three constants, which the parser also takes as JSON has them.</summary>
    private static ConstraintPart Value(ArgumentSchema schema) => schema.Types switch
    {
        JsonTypes.Boolean when schema.Resolved.Element.TryGetProperty("type", out _) => ToolGrammar.OneOf(ToolGrammar.Literal("True"), ToolGrammar.Literal("False")),
        JsonTypes.Null => ToolGrammar.Literal("None"),
        _ => new ConstraintPart.Schema(schema.Alone()),
    };
}
