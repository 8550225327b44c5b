using LlmServe.Compiler.Graph;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>A model family: emits operations from metadata. No weights, no threads, no SIMD.</summary>
public interface IArchitecture
{
    /// <summary>The value of <c>general.architecture</c>.</summary>
    string Name { get; }

    /// <summary>Which models come in it, and which variants are refused; for people, in Markdown.</summary>
    string Models { get; }

    /// <summary>What files of the family may hold that <see cref="Build"/> does not read.</summary>
    FileRules Rules { get; }

    /// <summary>The model as a graph.</summary>
    /// <exception cref="GgufException">Metadata or tensors are missing or do not fit together.</exception>
    ModelGraph Build(ModelSource source);
}

/// <summary>The families known.</summary>
public static class ArchitectureRegistry
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<IArchitecture> All { get; } = [new LlamaArchitecture()];

    /// <summary>Names of all families, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(a => a.Name));

    /// <summary>The model as its family builds it, once nothing that changes the result is left unread.</summary>
    /// <exception cref="GgufException">The family is not known, or the file does not fit to it.</exception>
    public static ModelGraph Build(ModelSource source)
    {
        string name = source.Architecture;
        var family = All.FirstOrDefault(a => a.Name == name) ?? throw source.Error($"architecture '{name}' is not supported; supported: {Names}");
        var graph = family.Build(source);
        source.RefuseUnread(family.Rules, Math.Min(source.ContextLimit ?? int.MaxValue, graph.Shape.ContextLength));
        return graph;
    }
}
