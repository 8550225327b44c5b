namespace LlmServe.Compiler.Graph;

/// <summary>
/// Checks a graph: operands have ids and shapes that fit, each value is written once and before it is read, and outputs are written. Tests run it after
/// every pass.
/// </summary>
internal static class GraphVerifier
{
    /// <summary>All violations found, as sentences; empty for a sound graph.</summary>
    public static IReadOnlyList<string> Verify(ModelGraph graph)
    {
        var errors = new List<string>();
        bool[] written = new bool[graph.Values.Count];
        foreach (var (_, value) in graph.Inputs)
        {
            written[value.Id] = true;
        }

        foreach (var operation in graph.Operations)
        {
            string name = operation.Outputs.Count > 0 ? $"{operation.GetType().Name} of {operation.Outputs[0].Name}" : operation.GetType().Name;
            foreach (var value in operation.Inputs.Concat(operation.Outputs))
            {
                Require(graph.Values[value.Id] == value, $"{name}: {value.Name} is not the graph's value {value.Id}", errors);
            }

            foreach (var weight in operation.Weights)
            {
                Require(ReferenceEquals(graph.Weights[weight.Id], weight), $"{name}: {weight.Name} is not the graph's weight {weight.Id}", errors);
            }

            foreach (var cache in operation.Caches)
            {
                Require(ReferenceEquals(graph.Caches[cache.Id], cache), $"{name}: {cache.Name} is not the graph's cache {cache.Id}", errors);
            }

            foreach (var input in operation.Inputs)
            {
                Require(written[input.Id], $"{name}: {input.Name} is read before it is written", errors);
            }

            foreach (var output in operation.Outputs)
            {
                Require(!written[output.Id], $"{name}: {output.Name} is written twice", errors);
                written[output.Id] = true;
            }

            operation.Check(new ShapeCheck(name, errors));
        }

        foreach (var (name, value) in graph.Outputs)
        {
            Require(written[value.Id], $"output {name}: {value.Name} is not written", errors);
        }

        return errors;
    }

    private static void Require(bool condition, string otherwise, List<string> errors)
    {
        if (!condition)
        {
            errors.Add(otherwise);
        }
    }
}
