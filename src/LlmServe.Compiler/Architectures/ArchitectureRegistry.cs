using LlmServe.Compiler.Graph;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>The families known.</summary>
internal static class ArchitectureRegistry
{
    /// <summary>A line for each family.</summary>
    public static IReadOnlyList<IArchitecture> All { get; } =
    [
        new Gemma2Architecture(),
        new LlamaArchitecture(),
        new Qwen2Architecture(),
        new Qwen3Architecture(),
    ];

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
