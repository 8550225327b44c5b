using System.Globalization;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

namespace LlmServe.Compiler.Architectures;

/// <summary>Reads a decoder's shape from metadata, with bounds that keep every later size computation inside 31 bits. docs/models.md says what missing keys mean.</summary>
internal static class ShapeReader
{
    /// <summary>The widest row.</summary>
    public const int LargestWidth = 1 << 20;

    private const int LongestContext = 1 << 24;
    private const int MostHeads = 4096;

    /// <summary>What all layers have in common.</summary>
    public static ModelShape Read(ModelSource source) => new(
        source.Architecture, source.GetInt32("block_count", 4096), source.GetInt32("embedding_length", LargestWidth),
        checked((int)source.Tensor("token_embd.weight").Rows), ReadContext(source));

    /// <summary>Heads of a model whose layers are alike.</summary>
    public static AttentionShape ReadAttention(ModelSource source, ModelShape shape)
    {
        int queryHeads = source.GetInt32("attention.head_count", MostHeads);
        int keyHeads = source.GetInt32("attention.head_count_kv", MostHeads, queryHeads);
        int keySize = source.GetInt32("attention.key_length", MostHeads, shape.Width / queryHeads);
        int valueSize = source.GetInt32("attention.value_length", MostHeads, shape.Width / queryHeads);
        source.Require(queryHeads % keyHeads == 0, $"attention.head_count {queryHeads} is not a multiple of attention.head_count_kv {keyHeads}");
        source.Require(keySize >= 8 && keySize % 8 == 0, $"head size {keySize} is not a positive multiple of 8");
        source.Require(valueSize >= 8 && valueSize % 8 == 0, $"value size {valueSize} is not a positive multiple of 8");
        return new AttentionShape
        {
            QueryHeads = queryHeads, KeyHeads = keyHeads, KeySize = keySize, ValueSize = valueSize, Scale = 1 / MathF.Sqrt(keySize),
        };
    }

    /// <summary>Width of the feed-forward layers of a model whose layers are alike.</summary>
    public static int ReadFeedForward(ModelSource source) => source.GetInt32("feed_forward_length", LargestWidth);

    /// <summary>The epsilon of a norm, which has no usual value.</summary>
    public static float ReadEpsilon(ModelSource source, string key)
    {
        float epsilon = source.TryGetSingle(key) ?? source.File.Metadata.GetSingle(source.Full(key));
        source.Require(epsilon >= 0, string.Create(CultureInfo.InvariantCulture, $"{source.Full(key)} is {epsilon}; allowed: 0 or more"));
        return epsilon;
    }

    /// <summary>The model's context, of which files claim more than anyone serves: that is no harm where less is asked for.</summary>
    private static int ReadContext(ModelSource source)
    {
        const string Key = "context_length";
        bool isLimited = source.ContextLimit <= LongestContext;
        int context = source.GetInt32(Key, isLimited ? int.MaxValue : LongestContext);
        if (context <= LongestContext)
        {
            return context;
        }

        source.Warn($"{source.Full(Key)} is {context}, more than the {LongestContext} positions that can be served; {source.ContextLimit} are, as asked for");
        return LongestContext;
    }
}
