using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Passes;

/// <summary>Joins the gate and up projections with their activation: the two products of a column meet while they are still in cache.</summary>
public sealed class FuseGatedLinear : IPass
{
    public string Name => "fuse gated linear";

    public ModelGraph Run(ModelGraph graph)
    {
        var linears = graph.Operations.OfType<Linear>().ToDictionary(l => l.Output.Id);
        var replaced = new Dictionary<Operation, Operation?>(ReferenceEqualityComparer.Instance);
        foreach (var gated in graph.Operations.OfType<GatedSilu>())
        {
            if (linears.TryGetValue(gated.Gate.Id, out var gate) && linears.TryGetValue(gated.Up.Id, out var up) && gate.Input == up.Input)
            {
                replaced[gate] = null;
                replaced[up] = null;
                replaced[gated] = new GatedLinear(gate.Input, gate.Matrix, up.Matrix, gated.Output);
            }
        }

        return graph.With(Rewrite.Replace(graph.Operations, replaced));
    }
}
