using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Passes;

/// <summary>Joins the gate and up projections with their activation: the two products of a column meet while they are still in a cache.</summary>
internal sealed class FuseGatedLinear : IPass
{
    public string Name => "fuse gated linear";

    public ModelGraph Run(ModelGraph graph)
    {
        int[] readers = graph.ReaderCounts();
        var producers = graph.Producers();
        var dropped = new HashSet<Operation>(ReferenceEqualityComparer.Instance);
        var result = new List<Operation>(graph.Operations.Count);
        foreach (var operation in graph.Operations)
        {
            if (operation is Gate gated && producers[gated.Input.Id] is Linear gate && producers[gated.Up.Id] is Linear up && gate.Input == up.Input
                && readers[gate.Output.Id] == 1 && readers[up.Output.Id] == 1)
            {
                dropped.Add(gate);
                dropped.Add(up);
                result.Add(new GatedLinear(gate.Input, gate.Matrix, up.Matrix, gated.Activation, gated.Output));
            }
            else
            {
                result.Add(operation);
            }
        }

        return graph with { Operations = [.. result.Where(o => !dropped.Contains(o))] };
    }
}
