namespace LlmServe.Compiler.Architectures;

/// <summary>
/// What files of a family may hold beside what its graph reads. Everything else is refused or, where nobody knows it, warned of
/// (<see cref="ModelSource.RefuseUnread"/>). docs/models.md lists what a missing key means.
/// </summary>
internal sealed class FileRules
{
    private readonly Dictionary<string, KeyRule> _keys;
    private readonly string[] _tensors;

    /// <param name="keys">What the family says of keys, in place of what is said of all families.</param>
    /// <param name="tensors">Tensors without effect on logits, beside those of all families; <c>*</c> stands for any text.</param>
    public FileRules(IReadOnlyList<KeyRule>? keys = null, IReadOnlyList<string>? tensors = null)
    {
        _keys = OfAllFamilies.ToDictionary(rule => rule.Key, StringComparer.Ordinal);
        foreach (var rule in keys ?? [])
        {
            _keys[rule.Key] = rule;
        }

        _tensors = [.. IgnoredTensors, .. tensors ?? []];
    }

    /// <summary>
    /// Tensors that the field writes and that do not change logits: precomputed rotations of old files, scales of activations that are computed anyway, and
    /// the heads of rerankers and of embedding models.
    /// </summary>
    private static readonly string[] IgnoredTensors =
        ["blk.*.attn_rot_embd.weight", "*.input_scale", "cls.output.weight", "cls.output.bias", "dense_2.weight", "dense_3.weight"];

    /// <summary>
    /// Keys that mean the same wherever they are read. A family whose graph reads one never comes to its rule. Source: the loaders and converters of
    /// llama.cpp and the configurations of Hugging Face transformers, as docs/models.md tells.
    /// </summary>
    private static readonly KeyRule[] OfAllFamilies =
    [
        // What only tells, or acts only beside another key that has a rule of its own: an expert count, a window, a kind of scaling.
        .. KeyRule.WithoutEffect(
            "vocab_size", "tensor_data_layout", "use_parallel_residual", "pooling_type", "classifier.output_labels", "n_deepstack_layers",
            "attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon", "rope.dimension_sections", "rope.scaling.original_context_length",
            "rope.scaling.finetuned", "rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
            "rope.scaling.yarn_ext_factor", "attention.sliding_window_pattern", "attention.key_length_swa", "attention.value_length_swa",
            "rope.freq_base_swa", "rope.dimension_count_swa", "attention.temperature_length", "expert_used_count", "expert_feed_forward_length",
            "expert_shared_feed_forward_length", "expert_gating_func", "expert_weights_norm", "expert_weights_scale", "expert_group_used_count",
            "expert_group_scale", "experts_per_group", "interleave_moe_layer_step", "moe_every_n_layers", "router_logit_softcapping",
            "dense_2_feat_in", "dense_2_feat_out", "dense_3_feat_in", "dense_3_feat_out"),
        .. KeyRule.OnlyNumbers([0], "expert_count", "expert_shared_count", "expert_group_count", "leading_dense_block_count", "nextn_predict_layers",
            "attention.clamp_kqv", "attention.max_alibi_bias", "attention.temperature_scale", "attn_logit_softcapping", "final_logit_softcapping",
            "rope.scaling.alpha", "rope.scaling.yarn_log_multiplier", "attention.q_lora_rank", "attention.kv_lora_rank", "attention.output_lora_rank",
            "attention.key_length_mla", "attention.value_length_mla", "attention.indexer.top_k", "attention.shared_kv_layers", "attention.recurrent_layers",
            "attention.relative_buckets_count", "embedding_length_per_layer_input", "full_attention_interval", "hyper_connection.count",
            "hash_layer_count", "decoder_block_count", "rescale_every_n_layers", "token_shift_count", "ssm.state_size", "shortconv.l_cache"),
        .. KeyRule.OnlyNumbers([1], "rope.scaling.attn_factor", "attention.value_scale", "num_loops"),
        .. KeyRule.OnlyNumbers([0, 1], "embedding_scale", "residual_scale", "logit_scale"),
        KeyRule.OnlyBool(true, "attention.causal"),
        KeyRule.OnlyBool(false, "swin_norm"),
        KeyRule.Window("attention.sliding_window"),
        .. KeyRule.Never("attention.scale", "attention.output_scale", "hidden_activation"),
    ];

    /// <summary>What is known of keys that the graph need not read, by key without the family's prefix.</summary>
    public IReadOnlyCollection<KeyRule> Keys => _keys.Values;

    /// <summary>Tensors without effect on logits; <c>*</c> stands for any text.</summary>
    public IReadOnlyList<string> Tensors => _tensors;

    /// <summary>Whether the tensor has no effect on logits.</summary>
    public bool Ignores(string tensor) => Array.Exists(_tensors, pattern => Matches(pattern, tensor));

    /// <summary>What is known of a key (without the family's prefix); null: nothing.</summary>
    public KeyRule? Find(string key) => _keys.GetValueOrDefault(key);

    private static bool Matches(string pattern, string name)
    {
        int star = pattern.IndexOf('*', StringComparison.Ordinal);
        return star < 0
            ? pattern == name
            : name.Length >= pattern.Length - 1 && name.StartsWith(pattern[..star], StringComparison.Ordinal) && name.EndsWith(pattern[(star + 1)..], StringComparison.Ordinal);
    }
}
