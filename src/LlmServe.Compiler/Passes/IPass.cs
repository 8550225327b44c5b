using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Passes;

/// <summary>
/// One rewrite of a graph that makes it faster and changes no bit of what it computes. A graph runs without any of them.
/// </summary>
internal interface IPass
{
    /// <summary>Short name, to leave it out by.</summary>
    string Name { get; }

    /// <summary>The rewritten graph.</summary>
    ModelGraph Run(ModelGraph graph);
}
