using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// The <c>llama</c> family: RMSNorm, grouped-query attention with RoPE over neighbouring elements, SiLU-gated feed-forward, all without biases.
/// Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models" (2023); tensor names as GGUF files spell them.
/// </summary>
public sealed class LlamaArchitecture : IArchitecture
{
    public string Name => "llama";

    public string Models => "Llama 1, 2 and 3, Mistral 7B, SmolLM 1 and 2, TinyLlama and what else has their shape. "
        + "Refused: biases (Granite Code), experts (Mixtral), YaRN and longrope, layers that differ in heads";

    /// <summary>What is said of all families.</summary>
    public FileRules Rules { get; } = new();

    public ModelGraph Build(ModelSource source)
    {
        var shape = ShapeReader.Read(source, RopePairing.Adjacent);
        float epsilon = ShapeReader.ReadEpsilon(source, "attention.layer_norm_rms_epsilon");
        var graph = new GraphBuilder(source, shape);

        var x = graph.Embed("token_embd.weight");
        for (int layer = 0; layer < shape.Layers; layer++)
        {
            x = AttentionBlock(graph, shape, x, layer, epsilon);
            x = FeedForwardBlock(graph, shape, x, layer, epsilon);
        }

        var last = graph.RmsNorm(x, "output_norm.weight", epsilon, "output_norm", select: true);
        string output = graph.Has("output.weight") ? "output.weight" : "token_embd.weight";
        return graph.Build(graph.Linear(last, output, shape.Vocabulary, "logits"));
    }

    private static Value AttentionBlock(GraphBuilder graph, ModelShape shape, Value x, int layer, float epsilon)
    {
        string p = $"blk.{layer}.";
        var norm = graph.RmsNorm(x, p + "attn_norm.weight", epsilon, p + "attn_norm");
        var q = graph.Linear(norm, p + "attn_q.weight", shape.QueryHeads * shape.HeadSize, p + "q");
        var k = graph.Linear(norm, p + "attn_k.weight", shape.KeyHeads * shape.HeadSize, p + "k");
        var v = graph.Linear(norm, p + "attn_v.weight", shape.KeyHeads * shape.HeadSize, p + "v");
        var attention = graph.Attention(graph.Rope(q, p + "q_rope"), graph.Rope(k, p + "k_rope"), v, layer, p + "attention");
        return graph.Add(x, graph.Linear(attention, p + "attn_output.weight", shape.Width, p + "attn_output"), p + "attn_residual");
    }

    private static Value FeedForwardBlock(GraphBuilder graph, ModelShape shape, Value x, int layer, float epsilon)
    {
        string p = $"blk.{layer}.";
        var norm = graph.RmsNorm(x, p + "ffn_norm.weight", epsilon, p + "ffn_norm");
        var gate = graph.Linear(norm, p + "ffn_gate.weight", shape.FeedForward, p + "ffn_gate");
        var up = graph.Linear(norm, p + "ffn_up.weight", shape.FeedForward, p + "ffn_up");
        var act = graph.GatedSilu(gate, up, p + "ffn_act");
        return graph.Add(x, graph.Linear(act, p + "ffn_down.weight", shape.Width, p + "ffn_down"), p + "ffn_residual");
    }
}
