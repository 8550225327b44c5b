using System.Globalization;
using LlmServe.Compiler.Graph;
using LlmServe.Execution.Numerics;

namespace LlmServe.Compiler.Architectures;

/// <summary>Reads a decoder's shape from metadata, with bounds that keep every later size computation inside 31 bits. docs/models.md says what missing keys mean.</summary>
internal static class ShapeReader
{
    private const int LargestWidth = 1 << 20;
    private const int LongestContext = 1 << 24;

    public static ModelShape Read(ModelSource source, RopePairing pairing)
    {
        int width = source.GetInt32("embedding_length", LargestWidth);
        int queryHeads = source.GetInt32("attention.head_count", 4096);
        int keyHeads = source.GetInt32("attention.head_count_kv", 4096, queryHeads);
        int headSize = source.GetInt32("attention.key_length", 4096, width / queryHeads);
        int valueSize = source.GetInt32("attention.value_length", 4096, width / queryHeads);
        int rotated = source.GetInt32("rope.dimension_count", 4096, headSize);
        source.Require(queryHeads % keyHeads == 0, $"attention.head_count {queryHeads} is not a multiple of attention.head_count_kv {keyHeads}");
        source.Require(headSize >= 8 && headSize % 8 == 0, $"head size {headSize} is not a positive multiple of 8");
        source.Require(valueSize == headSize, $"attention.value_length {valueSize} differs from attention.key_length {headSize}, which is not supported");
        source.Require(rotated <= headSize && rotated % 2 == 0, $"rope.dimension_count {rotated} is odd or above the head size {headSize}");

        return new ModelShape
        {
            Architecture = source.Architecture,
            Layers = source.GetInt32("block_count", 4096),
            Width = width,
            QueryHeads = queryHeads,
            KeyHeads = keyHeads,
            HeadSize = headSize,
            FeedForward = source.GetInt32("feed_forward_length", LargestWidth),
            Vocabulary = checked((int)source.Tensor("token_embd.weight").Rows),
            ContextLength = ReadContext(source),
            AttentionScale = 1 / MathF.Sqrt(headSize),
            RopePairing = pairing,
            RopeFrequencies = ReadFrequencies(source, rotated),
        };
    }

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
        int context = source.GetInt32(Key, int.MaxValue);
        if (context <= LongestContext)
        {
            return context;
        }

        source.Require(source.ContextLimit <= LongestContext,
            $"{source.Full(Key)} is {context}; allowed: 1 to {LongestContext}, or more where less is asked for (--context)");
        source.Warn($"{source.Full(Key)} is {context}, more than the {LongestContext} positions that can be served; {source.ContextLimit} are, as asked for");
        return LongestContext;
    }

    private static double[] ReadFrequencies(ModelSource source, int rotated)
    {
        double rope = source.TryGetSingle("rope.freq_base") ?? 10000;
        source.Require(rope > 0, string.Create(CultureInfo.InvariantCulture, $"{source.Full("rope.freq_base")} is {rope}; allowed: a positive number"));
        double[] frequencies = RopeFrequencies.Compute(rope, rotated);
        float factor = ReadLinearScaling(source);
        if (factor != 1)
        {
            Divide(frequencies, _ => factor);
        }

        if (source.Has("rope_freqs.weight"))
        {
            float[] factors = ReadFactors(source, "rope_freqs.weight", frequencies.Length);
            Divide(frequencies, i => factors[i]);
        }

        return frequencies;
    }

    /// <summary>By what linear scaling divides frequencies. A factor without a type is linear, the old key counts where there is no new one, and 0 means 1.</summary>
    private static float ReadLinearScaling(ModelSource source)
    {
        const string TypeKey = "rope.scaling.type", FactorKey = "rope.scaling.factor", OldKey = "rope.scale_linear";
        string type = source.TryGetString(TypeKey) ?? "linear";
        source.Require(type is "none" or "linear", $"{source.Full(TypeKey)} '{type}' is not supported; supported: none, linear");
        float? stored = source.TryGetSingle(FactorKey), old = source.TryGetSingle(OldKey);
        float factor = stored ?? old ?? 1;
        string key = source.Full(stored is null ? OldKey : FactorKey);
        source.Require(factor >= 0, string.Create(CultureInfo.InvariantCulture, $"{key} is {factor}; allowed: a positive number, or 0, which means 1"));
        return type == "none" || factor == 0 ? 1 : factor;
    }

    private static unsafe float[] ReadFactors(ModelSource source, string name, int count)
    {
        var tensor = source.Tensor(name);
        source.RequireFloat(tensor);
        source.Require(tensor.ElementCount == count, $"tensor '{name}' has {tensor.ElementCount} elements; {count} are needed");
        float[] factors = new float[count];
        for (long row = 0, width = tensor.Columns; row < tensor.Rows; row++)
        {
            source.File.DecodeRow(tensor, row, factors.AsSpan((int)(row * width), (int)width));
        }

        source.Require(Array.TrueForAll(factors, factor => factor > 0 && float.IsFinite(factor)), $"tensor '{name}' holds something else than positive numbers");
        return factors;
    }

    private static void Divide(double[] frequencies, Func<int, double> divisor)
    {
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] /= divisor(i);
        }
    }
}
