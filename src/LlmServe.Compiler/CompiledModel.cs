using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler;

/// <summary>A model compiled for a target: one program per row bucket, over weights and caches that they share.</summary>
public sealed record CompiledModel
{
    /// <summary>What its layers have in common.</summary>
    public required ModelShape Shape { get; init; }

    /// <summary>The weights that instructions refer to, by id. Those without a use belong to layers that the programs do not run.</summary>
    public required IReadOnlyList<Weight> Weights { get; init; }

    /// <summary>The caches that instructions refer to, by id.</summary>
    public required IReadOnlyList<LayerCache> Caches { get; init; }

    /// <summary>The caches in groups that share block tables.</summary>
    public required IReadOnlyList<KvGroupLayout> KvGroups { get; init; }

    /// <summary>The programs, by rows.</summary>
    public required IReadOnlyList<StreamProgram> Programs { get; init; }

    /// <summary>What the engine needs to know.</summary>
    public required ModelInfo Info { get; init; }

    /// <summary>The smallest program that takes this many rows.</summary>
    public StreamProgram ProgramFor(int rows) => Programs.First(p => p.Rows >= rows);
}
