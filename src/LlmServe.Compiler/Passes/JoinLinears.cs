using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Passes;

/// <summary>Joins the projections of one input, such as those to queries, keys and values, into one step that is cut over the lanes as a whole.</summary>
internal sealed class JoinLinears : IPass
{
    public string Name => "join linears";

    public ModelGraph Run(ModelGraph graph)
    {
        var groups = graph.Operations.OfType<Linear>().GroupBy(linear => linear.Input.Id).Where(group => group.Count() > 1)
            .ToDictionary(group => group.Key, group => group.ToArray());
        var result = new List<Operation>(graph.Operations.Count);
        foreach (var operation in graph.Operations)
        {
            if (operation is not Linear linear || !groups.TryGetValue(linear.Input.Id, out var group))
            {
                result.Add(operation);
            }
            else if (ReferenceEquals(linear, group[0]))
            {
                // All of them read what the first reads, so they can run where it does.
                result.Add(new JointLinear(linear.Input, [.. group.Select(l => l.Matrix)], [.. group.Select(l => l.Output)]));
            }
        }

        return graph with { Operations = result };
    }
}
