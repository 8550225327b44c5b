namespace LlmServe.Quantizer.Recipes;

/// <summary>What the names of tensors say (GGUF's conventions, as GGML's own quantizer reads them).</summary>
internal static class TensorNames
{
    private static readonly string[] KeptWhole = ["position_embd.weight", "token_types.weight"];

    /// <summary>Parts of names of small or sensitive tensors that stay as they are.</summary>
    private static readonly string[] KeptParts =
    [
        "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj", "ssm_conv1d", "shortconv.conv.weight",
        "indexer.k_proj.weight", "indexer.q_proj.weight", "attn_rel_b.weight",
        "time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight",
        "time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
        "time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
        ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
    ];

    /// <summary>Whether a tensor stays as it is: no matrix, a norm, or one of those that are too small or too sensitive.</summary>
    public static bool IsKept(string name, int dimensions) =>
        dimensions < 2 || !name.EndsWith("weight", StringComparison.Ordinal) || KeptWhole.Contains(name)
        || Array.Exists(KeptParts, part => name.Contains(part, StringComparison.Ordinal));

    /// <summary>The role of a matrix.</summary>
    public static TensorRole RoleOf(string name)
    {
        bool Has(string part) => name.Contains(part, StringComparison.Ordinal);
        return name switch
        {
            "output.weight" => TensorRole.Output,
            "token_embd.weight" or "per_layer_token_embd.weight" => TensorRole.Embedding,
            _ when Has("attn_qkv.weight") || Has("attn_kv_b.weight") || Has("attn_v.weight") => TensorRole.Value,
            _ when Has("attn_k.weight") => TensorRole.Key,
            _ when Has("attn_q.weight") => TensorRole.Query,
            _ when Has("attn_output.weight") => TensorRole.AttentionOutput,
            _ when Has("ffn_up") => TensorRole.Up,
            _ when Has("ffn_gate") => TensorRole.Gate,
            _ when Has("ffn_down") => TensorRole.Down,
            _ => TensorRole.Other,
        };
    }

    /// <summary>The layer in a name, or −1.</summary>
    public static int LayerOf(string name)
    {
        if (!name.StartsWith("blk.", StringComparison.Ordinal))
        {
            return -1;
        }

        int end = name.IndexOf('.', 4);
        return end > 4 && int.TryParse(name.AsSpan(4, end - 4), out int layer) ? layer : -1;
    }
}
