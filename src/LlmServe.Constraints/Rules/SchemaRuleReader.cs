using System.Text.Json;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Schemas;

namespace LlmServe.Constraints.Rules;

/// <summary>Reads a JSON Schema.</summary>
internal static class SchemaRuleReader
{
    /// <summary>Adds the rules of a schema that is written as text.</summary>
    /// <returns>The rule of the whole schema.</returns>
    /// <exception cref="ConstraintException">It is malformed, or cannot be honoured.</exception>
    public static int Read(RuleSet rules, ConstraintRule rule, JsonRules json, List<string> relaxed, WorkMeter meter)
    {
        using var document = Parse(rule.Text, meter.Limits.MaxDepth);
        return Read(rules, document.RootElement, json, rule.CloseObjects, rule.Relax, relaxed, meter);
    }

    /// <summary>Adds the rules of a schema.</summary>
    /// <returns>The rule of the whole schema.</returns>
    /// <exception cref="ConstraintException">It is malformed, or cannot be honoured.</exception>
    public static int Read(RuleSet rules, JsonElement schema, JsonRules json, bool closeObjects, bool relax, List<string> relaxed, WorkMeter meter)
    {
        var reader = new SchemaReader(new SchemaDocument(schema), relax, meter);
        int whole = SchemaWriter.Write(rules, reader.ReadRoot(), json, closeObjects, new SchemaExpander(reader, meter), meter);
        relaxed.AddRange(reader.Relaxed);
        return whole;
    }

    private static JsonDocument Parse(string text, int deepest)
    {
        try
        {
            return JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 2 * deepest });
        }
        catch (JsonException error)
        {
            string place = $"line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}";
            throw new ConstraintException(place, $"the schema is no JSON: {error.Message.Split(" LineNumber")[0].Split(" Path:")[0]}", error);
        }
    }
}
