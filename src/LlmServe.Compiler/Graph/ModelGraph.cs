using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Graph;

/// <summary>A model as operations in order, with the values, weights and caches they use.</summary>
internal sealed record ModelGraph
{
    public required ModelShape Shape { get; init; }

    public required IReadOnlyList<Weight> Weights { get; init; }

    public required IReadOnlyList<LayerCache> Caches { get; init; }

    public required IReadOnlyList<GraphValue> Values { get; init; }

    /// <summary>In the order of execution.</summary>
    public required IReadOnlyList<Operation> Operations { get; init; }

    /// <summary>What the program gives, by name.</summary>
    public required IReadOnlyList<(string Name, GraphValue Value)> Outputs { get; init; }

    /// <summary>The residual stream before each layer, where the model can be cut. [layers]</summary>
    public IReadOnlyList<GraphValue> Boundaries { get; init; } = [];

    /// <summary>What the program takes beside tokens, by name.</summary>
    public IReadOnlyList<(string Name, GraphValue Value)> Inputs { get; init; } = [];

    /// <summary>Whether a value is an output.</summary>
    public bool IsOutput(GraphValue value) => Outputs.Any(o => o.Value.Id == value.Id);

    /// <summary>For each value the operation that writes it; null for inputs. [values]</summary>
    public Operation?[] Producers()
    {
        var producers = new Operation?[Values.Count];
        foreach (var operation in Operations)
        {
            foreach (var output in operation.Outputs)
            {
                producers[output.Id] = operation;
            }
        }

        return producers;
    }

    /// <summary>For each value the last operation that reads it; beyond all of them for outputs. [values]</summary>
    public int[] LastReaders()
    {
        int[] last = new int[Values.Count];
        for (int i = 0; i < Operations.Count; i++)
        {
            foreach (var input in Operations[i].Inputs)
            {
                last[input.Id] = i;
            }
        }

        foreach (var (_, value) in Outputs)
        {
            last[value.Id] = int.MaxValue;
        }

        return last;
    }

    /// <summary>For each value how often operations read it. [values]</summary>
    public int[] ReaderCounts()
    {
        int[] counts = new int[Values.Count];
        foreach (var input in Operations.SelectMany(o => o.Inputs))
        {
            counts[input.Id]++;
        }

        return counts;
    }
}
