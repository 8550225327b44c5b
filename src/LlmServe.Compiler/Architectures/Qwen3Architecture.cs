using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// The <c>qwen3</c> family: llama with a norm of each head of queries and keys, and RoPE over halves of heads.
/// Source: Qwen Team, "Qwen3 Technical Report" (2025).
/// </summary>
internal sealed class Qwen3Architecture : IArchitecture
{
    public string Name => "qwen3";

    public string Models => "Qwen 3 (dense)";

    public FileRules Rules { get; } = new();

    public ModelGraph Build(ModelSource source)
    {
        var shape = ShapeReader.Read(source);
        var graph = new GraphBuilder(source, shape);
        var norm = NormSpec.Rms(source);
        var attention = AttentionSpec.Read(source, shape, RopePairing.Halves) with { Norm = new QueryKeyNorm(norm, QueryKeyNormPlace.Heads) };
        int feedForward = ShapeReader.ReadFeedForward(source);

        var x = graph.Embed();
        for (int i = 0; i < shape.Layers; i++)
        {
            var layer = new LayerBuilder(graph, i, x);
            x = layer.Add(x, layer.Attention(layer.Norm(x, norm, "attn_norm"), attention), "attn_residual");
            x = layer.Add(x, layer.FeedForward(layer.Norm(x, norm, "ffn_norm"), feedForward, ActivationKind.Silu), "ffn_residual");
        }

        return graph.Finish(x, norm);
    }
}
