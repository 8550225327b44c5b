using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// The <c>gemma2</c> family: norms before and after each block, soft caps on scores and logits, windows in every second layer.
/// Source: Gemma Team, "Gemma 2: Improving Open Language Models at a Practical Size" (2024).
/// </summary>
internal sealed class Gemma2Architecture : IArchitecture
{
    /// <summary>Layers of the model of 27B, whose scale is of the width and not of the head size.</summary>
    private const int LayersOf27B = 46;

    public string Name => "gemma2";

    public string Models => "Gemma 2";

    public FileRules Rules { get; } = new();

    public ModelGraph Build(ModelSource source)
    {
        var shape = ShapeReader.Read(source);
        var graph = new GraphBuilder(source, shape);
        var norm = NormSpec.Rms(source);
        var windows = WindowReader.Read(source, shape.Layers, period: 2, absent: 4096);
        int feedForward = ShapeReader.ReadFeedForward(source);
        var full = AttentionSpec.Read(source, shape, RopePairing.Halves);
        full = full with
        {
            Shape = full.Shape with
            {
                SoftCap = source.TryGetSingle("attn_logit_softcapping") ?? 50,
                Scale = shape.Layers == LayersOf27B ? 1 / MathF.Sqrt(shape.Width / full.Shape.QueryHeads) : full.Shape.Scale,
            },
        };
        var rules = new RopeRules { BaseKey = "rope.freq_base_swa", AbsentBase = source.TryGetSingle("rope.freq_base") ?? 10000 };
        var local = full with { Rope = RopeReader.Read(source, RopeReader.ReadRotated(source, full.Shape.KeySize), rules) };

        var x = graph.Scale(graph.Embed(), MathF.Sqrt(shape.Width), "embedding");
        for (int i = 0; i < shape.Layers; i++)
        {
            var layer = new LayerBuilder(graph, i, x);
            var attention = layer.Attention(layer.Norm(x, norm, "attn_norm"), (windows[i].IsAll ? full : local).Seeing(windows[i]));
            x = layer.Add(x, layer.Norm(attention, norm, "post_attention_norm"), "attn_residual");
            var forward = layer.FeedForward(layer.Norm(x, norm, "ffn_norm"), feedForward, ActivationKind.Gelu);
            x = layer.Add(x, layer.Norm(forward, norm, "post_ffw_norm"), "ffn_residual");
        }

        return graph.Finish(x, norm, cap: source.TryGetSingle("final_logit_softcapping") ?? 30);
    }
}
