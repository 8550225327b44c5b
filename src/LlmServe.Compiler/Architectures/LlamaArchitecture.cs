using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// The <c>llama</c> family: RMSNorm, grouped-query attention with RoPE over neighbouring elements, SiLU-gated feed-forward, biases where the file has them.
/// Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models" (2023); tensor names as GGUF files spell them.
/// </summary>
internal sealed class LlamaArchitecture : IArchitecture
{
    public string Name => "llama";

    public string Models => "Llama 1, 2 and 3, Mistral 7B, SmolLM 1 and 2, TinyLlama and what else has their shape. "
        + "Granite Code. Refused: experts (Mixtral)";

    /// <summary>What is said of all families.</summary>
    public FileRules Rules { get; } = new();

    public ModelGraph Build(ModelSource source)
    {
        var shape = ShapeReader.Read(source);
        var graph = new GraphBuilder(source, shape);
        var norm = NormSpec.Rms(source);
        var attention = AttentionSpec.Read(source, shape, RopePairing.Adjacent) with { HasOutputBias = true };
        int feedForward = ShapeReader.ReadFeedForward(source);

        var x = graph.Embed();
        for (int i = 0; i < shape.Layers; i++)
        {
            var layer = new LayerBuilder(graph, i, x);
            x = layer.Add(x, layer.Attention(layer.Norm(x, norm, "attn_norm"), attention), "attn_residual");
            x = layer.Add(x, layer.FeedForward(layer.Norm(x, norm, "ffn_norm"), feedForward, ActivationKind.Silu, hasBiases: true), "ffn_residual");
        }

        return graph.Finish(x, norm);
    }
}
