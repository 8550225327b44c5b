using LlmServe.Gguf;

namespace LlmServe.Quantizer.Recipes;

/// <summary>What a recipe asks of a model beside its tensors.</summary>
/// <param name="Architecture">The family.</param>
/// <param name="Layers">Layers, those for predicting further tokens included.</param>
/// <param name="Heads">Query heads of the first layer.</param>
/// <param name="KeyHeads">Key heads of the first layer.</param>
/// <param name="Experts">Experts of a layer, 0 where there are none.</param>
internal sealed record ModelFacts(string Architecture, int Layers, int Heads, int KeyHeads, int Experts)
{
    /// <summary>Whether four or more query heads share a key head.</summary>
    public bool SharesKeys => KeyHeads > 0 && Heads / KeyHeads >= 4;

    /// <summary>Whether it is one of the models of about 70 billion weights whose values deserve more bits.</summary>
    public bool IsSeventyBillion => Architecture switch
    {
        "llama" => Layers == 80 && KeyHeads < Heads,
        "qwen2" or "deci" or "olmo" => Layers == 80,
        "jais2" => Layers == 68,
        _ => false,
    };

    /// <summary>Reads a file's metadata; what is missing counts as 0.</summary>
    public static ModelFacts Of(GgufMetadata metadata)
    {
        string architecture = metadata.TryGetString("general.architecture", out string? name) ? name : "";
        int heads = First("attention.head_count");
        return new ModelFacts(architecture, First("block_count"), heads, metadata.TryGetValue($"{architecture}.attention.head_count_kv", out _) ? First("attention.head_count_kv") : heads, First("expert_count"));

        int First(string key)
        {
            if (!metadata.TryGetValue($"{architecture}.{key}", out var value))
            {
                return 0;
            }

            return value.IsArray
                ? value.Count > 0 && value[0].TryGetInt64(out long first) && first is >= 0 and <= int.MaxValue ? (int)first : 0
                : value.TryGetInt64(out long number) && number is >= 0 and <= int.MaxValue ? (int)number : 0;
        }
    }
}
