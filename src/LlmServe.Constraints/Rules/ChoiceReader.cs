using System.Text.Json;
using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Rules;

/// <summary>Reads a choice: a JSON array of strings, one of which is the text.</summary>
internal static class ChoiceReader
{
    /// <summary>Reads the array.</summary>
    /// <exception cref="ConstraintException">It is no array of strings, or it is empty.</exception>
    public static RuleSet Read(string text)
    {
        using var document = Parse(text);
        if (document.RootElement.ValueKind != JsonValueKind.Array || document.RootElement.GetArrayLength() == 0)
        {
            throw new ConstraintException("the choice", "it must be a JSON array of at least one string");
        }

        var rules = new RuleSet();
        var graph = rules[rules.Add("choice")];
        int index = 0;
        foreach (var element in document.RootElement.EnumerateArray())
        {
            graph.AddLiteral(RuleGraph.Start, TextOf(element, index++), RuleGraph.End);
        }

        return rules;
    }

    private static JsonDocument Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text);
        }
        catch (JsonException error)
        {
            throw new ConstraintException("the choice", $"it is no JSON: {error.Message}", error);
        }
    }

    private static string TextOf(JsonElement element, int index)
    {
        try
        {
            return element.ValueKind == JsonValueKind.String
                ? element.GetString()! : throw new ConstraintException($"#/{index}", $"it is {element.ValueKind}; it must be a string");
        }
        catch (InvalidOperationException error)
        {
            throw new ConstraintException($"#/{index}", "it is half of a surrogate pair, which no text can hold", error);
        }
    }
}
