using LlmServe.Compiler.Graph;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>A model family: emits operations from metadata. No weights, no threads, no SIMD.</summary>
public interface IArchitecture
{
    /// <summary>The value of <c>general.architecture</c>.</summary>
    string Name { get; }

    /// <summary>The model in <paramref name="file"/> as a graph.</summary>
    /// <exception cref="GgufException">Metadata or tensors are missing or do not fit together.</exception>
    ModelGraph Build(GgufFile file);
}

/// <summary>The families known.</summary>
public static class ArchitectureRegistry
{
    private static readonly IArchitecture[] All = [new LlamaArchitecture()];

    /// <summary>Names of all families, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(a => a.Name));

    /// <summary>The family that a file names.</summary>
    public static IArchitecture For(GgufFile file)
    {
        string name = file.Metadata.GetString("general.architecture");
        return Array.Find(All, a => a.Name == name)
            ?? throw new GgufException($"{file.Path}: architecture '{name}' is not supported; supported: {Names}");
    }
}
