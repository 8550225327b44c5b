using System.Text;
using System.Text.Json;

namespace LlmServe.Constraints;

/// <summary>Writes parts as text, so that equal ones are found: every part's kind, and strings as JSON.</summary>
internal static class PartText
{
    /// <summary>The text of a part.</summary>
    public static string Write(ConstraintPart part)
    {
        var text = new StringBuilder();
        Write(text, part);
        return text.ToString();
    }

    private static void Write(StringBuilder text, ConstraintPart part)
    {
        switch (part)
        {
            case ConstraintPart.Literal literal:
                text.Append(JsonSerializer.Serialize(literal.Text));
                break;
            case ConstraintPart.Token token:
                text.Append("token(").Append(token.Id).Append(')');
                break;
            case ConstraintPart.Schema schema:
                text.Append("schema(").Append(schema.CloseObjects).Append(' ').Append(schema.Whitespace).Append(' ').Append(schema.Element.GetRawText()).Append(')');
                break;
            case ConstraintPart.JsonObject any:
                text.Append("object(").Append(any.Whitespace).Append(')');
                break;
            case ConstraintPart.Regex regex:
                text.Append("regex(").Append(JsonSerializer.Serialize(regex.Pattern)).Append(')');
                break;
            case ConstraintPart.Rule rule:
                text.Append("rule(").Append(rule.Inner.Digest()).Append(')');
                break;
            case ConstraintPart.Sequence sequence:
                WriteAll(text, "sequence", sequence.Parts);
                break;
            case ConstraintPart.OneOf oneOf:
                WriteAll(text, "one", oneOf.Parts);
                break;
            case ConstraintPart.Repeat repeat:
                WriteAll(text.Append(repeat.Least).Append('-').Append(repeat.Most), "times", [repeat.Part]);
                break;
            case ConstraintPart.TextWithout without:
                text.Append("without(").Append(JsonSerializer.Serialize(without.Texts)).Append(JsonSerializer.Serialize(without.Tokens)).Append(')');
                break;
        }
    }

    private static void WriteAll(StringBuilder text, string kind, IReadOnlyList<ConstraintPart> parts)
    {
        text.Append(kind).Append('(');
        foreach (var part in parts)
        {
            Write(text, part);
            text.Append(',');
        }

        text.Append(')');
    }
}
