using System.Text.Json;
using LlmServe.Constraints;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>Reads what an answer must be, by the names that servers of models have for it. A request may say it once.</summary>
internal static class RuleReader
{
    /// <summary>Reads the rule of a request; null: there is none.</summary>
    /// <exception cref="RequestException">It is wrong, or there are two.</exception>
    public static RequestRule? Read(RequestFields fields)
    {
        RequestRule? found = null;
        foreach (var rule in Rules(fields).Concat(Rules(fields.Object("structured_outputs"), "json", "regex", "choice", "grammar")))
        {
            found = found is null ? rule : throw Failure.Invalid(rule.Field, $"is there beside {found.Field}; one of them is allowed").ToException();
        }

        return found;
    }

    /// <summary>A rule that is a JSON Schema.</summary>
    public static ConstraintRule Schema(JsonElement schema, bool closes = false) =>
        new(ConstraintKind.JsonSchema, schema.GetRawText()) { CloseObjects = closes };

    private static IEnumerable<RequestRule> Rules(RequestFields fields)
    {
        if (ResponseFormat(fields) is { } format)
        {
            yield return format;
        }

        if (fields.Any("json_schema") is { } schema)
        {
            yield return new RequestRule(Schema(schema), fields.PathOf("json_schema"));
        }

        if (fields.Text("grammar") is { Length: > 0 } grammar)
        {
            yield return new RequestRule(Grammar(grammar), fields.PathOf("grammar"));
        }

        foreach (var rule in Rules(fields, "guided_json", "guided_regex", "guided_choice", "guided_grammar"))
        {
            yield return rule;
        }
    }

    private static IEnumerable<RequestRule> Rules(RequestFields? fields, string json, string regex, string choice, string grammar)
    {
        if (fields is null)
        {
            yield break;
        }

        fields.Refuse("structural_tag");
        if (fields.Any(json) is { } schema)
        {
            // A schema may come as its text too.
            yield return new RequestRule(
                schema.ValueKind == JsonValueKind.String ? new ConstraintRule(ConstraintKind.JsonSchema, schema.GetString()!) : Schema(schema), fields.PathOf(json));
        }

        if (fields.Text(regex) is { } pattern)
        {
            yield return new RequestRule(new ConstraintRule(ConstraintKind.Regex, pattern), fields.PathOf(regex));
        }

        if (fields.Has(choice))
        {
            yield return new RequestRule(ConstraintRule.Choice(fields.Texts(choice)), fields.PathOf(choice));
        }

        if (fields.Text(grammar) is { } text)
        {
            yield return new RequestRule(Grammar(text), fields.PathOf(grammar));
        }
    }

    private static RequestRule? ResponseFormat(RequestFields fields)
    {
        if (fields.Object("response_format") is not { } format)
        {
            return null;
        }

        string place = format.PathOf("")[..^1];
        switch (format.RequiredText("type"))
        {
            case "text":
                return null;
            case "json_object" when format.Any("schema") is { } schema:
                return new RequestRule(Checked(schema, format.PathOf("schema"), false), format.PathOf("schema"));
            case "json_object":
                return new RequestRule(new ConstraintRule(ConstraintKind.JsonObject, ""), place);
            case "json_schema":
                var inner = format.Object("json_schema") ?? format;
                inner.Ignore("name", "description");
                var given = inner.Any("schema") ?? throw inner.Missing("schema");
                return new RequestRule(Checked(given, inner.PathOf("schema"), inner.Flag("strict") ?? false), inner.PathOf("schema"));
            case var other:
                throw new Failure(
                    FailureKind.Invalid, $"is '{Failure.Shorten(other)}'; allowed are text, json_object and json_schema", format.PathOf("type")) { Code = "invalid_value" }.ToException();
        }
    }

    private static ConstraintRule Checked(JsonElement schema, string place, bool closes) =>
        schema.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
            ? Schema(schema, closes) : throw RequestFields.WrongType(place, schema, "a JSON Schema, an object, is");

    /// <summary>GBNF, or Lark where the text says so itself.</summary>
    private static ConstraintRule Grammar(string text) => new(
        text.TrimStart().StartsWith("%llguidance", StringComparison.Ordinal) || text.TrimStart().StartsWith("start:", StringComparison.Ordinal)
            ? ConstraintKind.Lark : ConstraintKind.Gbnf, text);
}
