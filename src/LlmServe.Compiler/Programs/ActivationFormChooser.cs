using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Programs;

/// <summary>
/// Gives every value the forms that its readers want on a target: what enters a quantized matrix is written as 8-bit blocks by its producer, and by a
/// <see cref="Operations.Convert"/> where that writes f32 alone.
/// </summary>
internal static class ActivationFormChooser
{
    /// <summary>The graph for a target and ticks of up to <paramref name="rows"/> rows, and the forms of its values.</summary>
    public static (ModelGraph Graph, ActivationForms[] Forms) Choose(ModelGraph graph, ITarget target, int rows)
    {
        var wanted = new ActivationForms[graph.Values.Count];
        foreach (var operation in graph.Operations)
        {
            foreach (var input in operation.Inputs)
            {
                wanted[input.Id] |= operation.FormsOf(input, target, rows);
            }
        }

        foreach (var (_, value) in graph.Outputs)
        {
            wanted[value.Id] |= ActivationForms.Real;
        }

        var values = graph.Values.ToList();
        var operations = new List<Operation>(graph.Operations.Count);
        var converted = new Dictionary<int, GraphValue>();
        var producers = graph.Producers();
        foreach (var operation in graph.Operations)
        {
            foreach (var input in operation.Inputs)
            {
                bool isOther = operation.FormsOf(input, target, rows) != ActivationForms.Real;
                if (isOther && producers[input.Id]?.WritesForms != true && !converted.ContainsKey(input.Id))
                {
                    var copy = new GraphValue(values.Count, input.Name, input.Columns, input.Rows);
                    values.Add(copy);
                    converted.Add(input.Id, copy);
                    operations.Add(new Operations.Convert(input, copy));
                }
            }

            operations.Add(operation.Over(v => operation.Inputs.Contains(v) && operation.FormsOf(v, target, rows) != ActivationForms.Real ? converted.GetValueOrDefault(v.Id, v) : v));
        }

        var forms = new ActivationForms[values.Count];
        foreach (var value in graph.Values)
        {
            bool isPlain = wanted[value.Id] == ActivationForms.None || converted.ContainsKey(value.Id);
            forms[value.Id] = isPlain ? ActivationForms.Real : wanted[value.Id];
        }

        foreach (var (id, copy) in converted)
        {
            forms[copy.Id] = graph.Operations.Where(o => o.Inputs.Any(v => v.Id == id)).Select(o => o.FormsOf(graph.Values[id], target, rows))
                .Where(f => f != ActivationForms.Real).Aggregate(ActivationForms.None, (all, f) => all | f);
        }

        return (graph with { Values = values, Operations = operations }, forms);
    }
}
