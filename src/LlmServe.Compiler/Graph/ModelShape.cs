namespace LlmServe.Compiler.Graph;

/// <summary>What all of a decoder's layers have in common. What can differ from layer to layer belongs to its operations.</summary>
/// <param name="Architecture">GGUF architecture name.</param>
/// <param name="Layers">Transformer blocks that the program runs.</param>
/// <param name="Width">Width of the residual stream.</param>
/// <param name="Vocabulary">Tokens.</param>
/// <param name="ContextLength">Most positions of a sequence.</param>
public sealed record ModelShape(string Architecture, int Layers, int Width, int Vocabulary, int ContextLength);
