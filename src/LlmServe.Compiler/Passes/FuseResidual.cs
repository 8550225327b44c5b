using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Passes;

/// <summary>
/// Adds a projection into the residual stream where that stands, as long as nothing reads the old residual or the projection afterwards.
/// </summary>
internal sealed class FuseResidual : IPass
{
    public string Name => "fuse residual";

    public ModelGraph Run(ModelGraph graph)
    {
        int[] readers = graph.ReaderCounts();
        int[] last = graph.LastReaders();
        var producers = graph.Producers();
        var dropped = new HashSet<Operation>(ReferenceEqualityComparer.Instance);
        var result = new List<Operation>(graph.Operations.Count);
        for (int i = 0; i < graph.Operations.Count; i++)
        {
            if (graph.Operations[i] is Add add && producers[add.Right.Id] is Linear linear && readers[add.Right.Id] == 1 && add.Left != add.Right
                && last[add.Left.Id] == i && !graph.IsOutput(add.Right))
            {
                dropped.Add(linear);
                result.Add(new LinearAdd(linear.Input, linear.Matrix, add.Left, add.Right, add.Output));
            }
            else
            {
                result.Add(graph.Operations[i]);
            }
        }

        return graph with { Operations = [.. result.Where(o => !dropped.Contains(o))] };
    }
}
