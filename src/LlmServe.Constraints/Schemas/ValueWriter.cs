using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>Writes single JSON values into rules: objects in their own order, numbers in every form that is not longer than need be.</summary>
/// <param name="graph">The rule.</param>
/// <param name="json">Rules of JSON.</param>
internal sealed class ValueWriter(RuleGraph graph, JsonRules json)
{
    /// <summary>Adds paths that read a value.</summary>
    public void Add(int from, JsonValue value, int to)
    {
        switch (value.Type)
        {
            case JsonTypes.String:
                AddString(from, value.Text, to);
                break;
            case JsonTypes.Integer or JsonTypes.Fraction:
                AddNumber(from, value.Number, to);
                break;
            case JsonTypes.Array:
                AddList(from, '[', value.Items, Add, ']', to);
                break;
            case JsonTypes.Object:
                AddList(from, '{', value.Properties, AddProperty, '}', to);
                break;
            default:
                graph.AddLiteral(from, value.Type == JsonTypes.Null ? "null" : value.Boolean ? "true" : "false", to);
                break;
        }
    }

    /// <summary>Adds paths that read a string with its quotes.</summary>
    public void AddString(int from, string text, int to)
    {
        int at = graph.AddState();
        graph.AddBytes(from, (byte)'"', (byte)'"', at);
        foreach (var rune in text.EnumerateRunes())
        {
            int next = graph.AddState();
            LanguageWriter.AddJsonName(graph, at, CodePointSet.Of(rune.Value), next);
            at = next;
        }

        graph.AddBytes(at, (byte)'"', (byte)'"', to);
    }

    private void AddProperty(int from, (string Name, JsonValue Value) property, int to)
    {
        int named = graph.AddState();
        AddString(from, property.Name, named);
        Add(json.AddMark(graph, named, ':'), property.Value, to);
    }

    private void AddNumber(int from, ExactDecimal number, int to)
    {
        graph.AddLiteral(from, number.ToString(), to);
        if (!number.IsInteger)
        {
            graph.AddLiteral(from, $"{number.Unscaled}e-{number.Scale}", to);
            graph.AddLiteral(from, $"{number.Unscaled}E-{number.Scale}", to);
        }
    }

    private void AddList<T>(int from, char open, IReadOnlyList<T> items, Action<int, T, int> add, char close, int to)
    {
        int at = json.AddMark(graph, from, open);
        for (int i = 0; i < items.Count; i++)
        {
            int next = graph.AddState();
            add(i == 0 ? at : json.AddMark(graph, at, ','), items[i], next);
            at = next;
        }

        graph.AddBytes(items.Count == 0 ? at : json.AddSpace(graph, at), (byte)close, (byte)close, to);
    }
}
