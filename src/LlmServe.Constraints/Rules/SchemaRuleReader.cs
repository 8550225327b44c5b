using System.Text.Json;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Schemas;

namespace LlmServe.Constraints.Rules;

/// <summary>Reads a JSON Schema.</summary>
internal static class SchemaRuleReader
{
    /// <summary>Reads a schema.</summary>
    /// <exception cref="ConstraintException">It is malformed, or cannot be honoured.</exception>
    public static ParsedRule Read(ConstraintRule rule, WorkMeter meter)
    {
        using var document = Parse(rule.Text, meter.Limits.MaxDepth);
        var reader = new SchemaReader(new SchemaDocument(document.RootElement), rule.Relax, meter);
        var expander = new SchemaExpander(reader, meter);
        var rules = SchemaWriter.Write(reader.ReadRoot(), rule, expander, meter);
        return new ParsedRule(rules, reader.Relaxed);
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
