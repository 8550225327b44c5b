namespace LlmServe.Execution;

/// <summary>What the engine needs to know of a compiled model.</summary>
/// <param name="Architecture">GGUF architecture name, for example <c>llama</c>.</param>
/// <param name="VocabularySize">Width of a logits row.</param>
/// <param name="ContextLength">Most positions of a sequence.</param>
/// <param name="Layers">Transformer blocks.</param>
/// <param name="Activations">How rows enter quantized matrices.</param>
/// <param name="Kv">Element type of the KV cache.</param>
/// <param name="ProgramId">Digest over model, modes and numerics version, in hexadecimal.</param>
public sealed record ModelInfo(
    string Architecture, int VocabularySize, int ContextLength, int Layers, ActivationMode Activations, KvElement Kv, string ProgramId)
{
    /// <summary>What is odd about the model or how it was asked to run, one sentence each; whoever loads it tells people.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
