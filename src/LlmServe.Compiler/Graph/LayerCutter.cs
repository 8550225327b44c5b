using LlmServe.Compiler.Operations;
using LlmServe.Execution;

namespace LlmServe.Compiler.Graph;

/// <summary>Keeps of a graph what some outputs, or a run of layers, need.</summary>
internal static class LayerCutter
{
    /// <summary>The operations that a range of layers and outputs need; the others go.</summary>
    /// <param name="graph">The whole model.</param>
    /// <param name="range">Layers to keep; null: all.</param>
    /// <param name="outputs">Names of outputs, where the last layer is kept.</param>
    /// <exception cref="ArgumentException">There are no such layers or outputs, or layers of the range read what earlier ones keep.</exception>
    public static ModelGraph Cut(ModelGraph graph, LayerRange? range, IReadOnlyList<string> outputs)
    {
        range ??= new LayerRange(0, graph.Shape.Layers);
        if (range.First < 0 || range.First >= range.End || range.End > graph.Shape.Layers)
        {
            throw new ArgumentException($"layers {range.First} to {range.End - 1} do not exist; the model has layers 0 to {graph.Shape.Layers - 1}");
        }

        (string, GraphValue)[] kept = range.End == graph.Shape.Layers
            ? [.. outputs.Select(name => Find(graph, name))]
            : [(TickOutputs.Residual, graph.Boundaries[range.End])];
        (string, GraphValue)[] inputs = range.First == 0 ? [] : [(TickOutputs.Residual, graph.Boundaries[range.First])];
        var operations = Needed(graph, kept.Select(o => o.Item2.Id), inputs.Select(i => i.Item2.Id));
        var used = operations.SelectMany(o => o.Weights).ToHashSet(ReferenceEqualityComparer.Instance);
        foreach (var weight in graph.Weights.Where(w => !used.Contains(w)))
        {
            weight.Use = WeightUse.None;
        }

        foreach (var cache in operations.OfType<Attend>().Select(a => a.Cache).Where(c => !operations.OfType<Store>().Any(s => s.Cache == c)))
        {
            throw new ArgumentException($"layers {range.First} to {range.End - 1} read {cache.Name}, which a layer before them fills; the cut must lie elsewhere");
        }

        return graph with { Operations = operations, Outputs = kept, Inputs = inputs };
    }

    private static (string Name, GraphValue Value) Find(ModelGraph graph, string name)
    {
        foreach (var output in graph.Outputs)
        {
            if (output.Name == name)
            {
                return output;
            }
        }

        throw new ArgumentException($"the model has no output '{name}'; it has {string.Join(", ", graph.Outputs.Select(o => o.Name))}");
    }

    private static List<Operation> Needed(ModelGraph graph, IEnumerable<int> outputs, IEnumerable<int> inputs)
    {
        bool[] wanted = new bool[graph.Values.Count];
        foreach (int id in outputs)
        {
            wanted[id] = true;
        }

        var given = inputs.ToHashSet();
        var caches = new HashSet<LayerCache>(ReferenceEqualityComparer.Instance);
        var kept = new List<Operation>();
        foreach (var operation in graph.Operations.Reverse())
        {
            bool isNeeded = operation.Outputs.Any(o => wanted[o.Id] && !given.Contains(o.Id)) || (operation is Store store && caches.Contains(store.Cache));
            if (!isNeeded)
            {
                continue;
            }

            kept.Add(operation);
            foreach (var input in operation.Inputs)
            {
                wanted[input.Id] = true;
            }

            if (operation is Attend attend)
            {
                caches.Add(attend.Cache);
            }
        }

        kept.Reverse();
        return kept;
    }
}
