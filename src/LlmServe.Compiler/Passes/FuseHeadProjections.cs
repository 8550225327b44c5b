using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Passes;

/// <summary>
/// Joins the query, key and value projections of one input with RoPE and the cache store, so that they run in one phase:
/// what is left of attention reads queries and the cache only.
/// </summary>
public sealed class FuseHeadProjections : IPass
{
    public string Name => "fuse head projections";

    public ModelGraph Run(ModelGraph graph)
    {
        var producers = new Dictionary<int, Operation>();
        foreach (var operation in graph.Operations)
        {
            foreach (var output in operation.Outputs)
            {
                producers[output.Id] = operation;
            }
        }

        var replaced = new Dictionary<Operation, Operation?>(ReferenceEqualityComparer.Instance);
        foreach (var attention in graph.Operations.OfType<Attention>())
        {
            if (producers[attention.Query.Id] is Rope queryRope && producers[attention.Key.Id] is Rope keyRope
                && producers[queryRope.Input.Id] is Linear query && producers[keyRope.Input.Id] is Linear key
                && producers[attention.KeyValues.Id] is Linear values && query.Input == key.Input && key.Input == values.Input)
            {
                replaced[query] = null;
                replaced[key] = null;
                replaced[queryRope] = null;
                replaced[keyRope] = null;
                replaced[values] = new ProjectHeads(
                    query.Input, query.Matrix, key.Matrix, values.Matrix, attention.Layer, query.Output, key.Output, values.Output);
                replaced[attention] = new CachedAttention(query.Output, attention.Layer, attention.Output);
            }
        }

        return graph.With(Rewrite.Replace(graph.Operations, replaced));
    }
}

/// <summary>Applies a table of replacements.</summary>
internal static class Rewrite
{
    /// <summary>Operations with those in the table replaced, or dropped where the table says null.</summary>
    public static IReadOnlyList<Operation> Replace(IReadOnlyList<Operation> operations, Dictionary<Operation, Operation?> table)
    {
        var result = new List<Operation>(operations.Count);
        foreach (var operation in operations)
        {
            var kept = table.TryGetValue(operation, out var other) ? other : operation;
            if (kept is not null)
            {
                result.Add(kept);
            }
        }

        return result;
    }
}
