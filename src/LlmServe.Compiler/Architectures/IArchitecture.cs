using LlmServe.Compiler.Graph;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>A model family: emits operations from metadata. No weights, no threads, no SIMD.</summary>
internal interface IArchitecture
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
