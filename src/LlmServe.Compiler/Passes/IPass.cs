using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Passes;

/// <summary>One rewrite of a graph. A pass keeps the meaning; it never looks at weights' bytes.</summary>
public interface IPass
{
    /// <summary>Short name for listings.</summary>
    string Name { get; }

    /// <summary>The rewritten graph.</summary>
    ModelGraph Run(ModelGraph graph);
}

/// <summary>The passes in order.</summary>
public static class PassPipeline
{
    /// <summary>From an architecture's operations to those that the lane scheduler can lower.</summary>
    public static IReadOnlyList<IPass> Standard { get; } = [new FuseHeadProjections(), new FuseGatedLinear(), new FuseResidual()];

    /// <summary>Runs all standard passes.</summary>
    public static ModelGraph Run(ModelGraph graph) => Standard.Aggregate(graph, (current, pass) => pass.Run(current));
}

/// <summary>Looks up who writes and who reads a value.</summary>
internal static class GraphQueries
{
    /// <summary>The operation that writes the value, if it is a <typeparamref name="T"/>.</summary>
    public static T? Producer<T>(this ModelGraph graph, Value value) where T : Operation =>
        graph.Operations.OfType<T>().FirstOrDefault(o => o.Outputs.Any(v => v.Id == value.Id));

    /// <summary>How many operations read the value.</summary>
    public static int ReaderCount(this ModelGraph graph, Value value) =>
        graph.Operations.Count(o => o.Inputs.Any(v => v.Id == value.Id));
}
