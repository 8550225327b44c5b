using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// The <c>qwen2</c> family: llama with biases on queries, keys and values, and RoPE over halves of heads.
/// Source: Qwen Team, "Qwen2 Technical Report" (2024).
/// </summary>
internal sealed class Qwen2Architecture : IArchitecture
{
    public string Name => "qwen2";

    public string Models => "Qwen 1.5, 2 and 2.5 (dense), QwQ, and models made of them";

    public FileRules Rules { get; } = new();

    public ModelGraph Build(ModelSource source)
    {
        var shape = ShapeReader.Read(source);
        var graph = new GraphBuilder(source, shape);
        var norm = NormSpec.Rms(source);
        var attention = AttentionSpec.Read(source, shape, RopePairing.Halves);
        int feedForward = ShapeReader.ReadFeedForward(source);

        var x = graph.Embed();
        for (int i = 0; i < shape.Layers; i++)
        {
            var layer = new LayerBuilder(graph, i, x);
            x = layer.Add(x, layer.Attention(layer.Norm(x, norm, "attn_norm"), attention), "attn_residual");
            x = layer.Add(x, layer.FeedForward(layer.Norm(x, norm, "ffn_norm"), feedForward, ActivationKind.Silu), "ffn_residual");
        }

        return graph.Finish(x, norm, hasBias: true);
    }
}
