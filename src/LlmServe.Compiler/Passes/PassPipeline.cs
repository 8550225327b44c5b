using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Passes;

/// <summary>The passes in order.</summary>
internal static class PassPipeline
{
    /// <summary>All passes.</summary>
    public static IReadOnlyList<IPass> Standard { get; } = [new FuseSelection(), new FuseGatedLinear(), new FuseResidual(), new JoinLinears()];

    /// <summary>Runs all passes but those named.</summary>
    /// <param name="graph">What an architecture built.</param>
    /// <param name="without">Names of passes to leave out.</param>
    /// <param name="after">Sees the graph after each pass.</param>
    public static ModelGraph Run(ModelGraph graph, IReadOnlyCollection<string>? without = null, Action<IPass, ModelGraph>? after = null)
    {
        foreach (var pass in Standard.Where(p => without?.Contains(p.Name) != true))
        {
            graph = pass.Run(graph);
            after?.Invoke(pass, graph);
        }

        return graph;
    }
}
