using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Passes;

/// <summary>Lets a norm gather the selected rows itself, where nobody else reads them.</summary>
internal sealed class FuseSelection : IPass
{
    public string Name => "fuse selection";

    public ModelGraph Run(ModelGraph graph)
    {
        int[] readers = graph.ReaderCounts();
        var producers = graph.Producers();
        var dropped = new HashSet<Operation>(ReferenceEqualityComparer.Instance);
        var result = new List<Operation>(graph.Operations.Count);
        foreach (var operation in graph.Operations)
        {
            if (operation is Norm norm && producers[norm.Input.Id] is SelectRows select && readers[norm.Input.Id] == 1 && !graph.IsOutput(norm.Input))
            {
                dropped.Add(select);
                result.Add(norm with { Input = select.Input });
            }
            else
            {
                result.Add(operation);
            }
        }

        return graph with { Operations = [.. result.Where(o => !dropped.Contains(o))] };
    }
}
