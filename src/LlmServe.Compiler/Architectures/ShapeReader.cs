using LlmServe.Compiler.Graph;
using LlmServe.Execution.Numerics;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>Reads a decoder's shape from metadata, with bounds that keep every later size computation inside 31 bits.</summary>
internal static class ShapeReader
{
    private const int LargestWidth = 1 << 20;

    public static ModelShape Read(GgufFile file, string architecture, RopePairing pairing)
    {
        int Get(string key, int most) => Bounded(file, $"{architecture}.{key}", file.Metadata.GetInt32($"{architecture}.{key}"), most);
        int Optional(string key, int most, int absent) => file.Metadata.TryGetInt32($"{architecture}.{key}", out _) ? Get(key, most) : absent;

        int width = Get("embedding_length", LargestWidth);
        int queryHeads = Get("attention.head_count", 4096);
        int keyHeads = Optional("attention.head_count_kv", 4096, queryHeads);
        int headSize = Optional("attention.key_length", 4096, width / queryHeads);
        int valueSize = Optional("attention.value_length", 4096, headSize);
        int rotated = Optional("rope.dimension_count", 4096, headSize);
        Require(file, queryHeads % keyHeads == 0, $"attention.head_count {queryHeads} is not a multiple of attention.head_count_kv {keyHeads}");
        Require(file, valueSize == headSize, $"attention.value_length {valueSize} differs from attention.key_length {headSize}, which is not supported");
        Require(file, headSize >= 8 && headSize % 8 == 0, $"head size {headSize} is not a positive multiple of 8");
        Require(file, rotated <= headSize && rotated % 2 == 0, $"rope.dimension_count {rotated} is odd or above the head size {headSize}");

        return new ModelShape
        {
            Architecture = architecture,
            Layers = Get("block_count", 4096),
            Width = width,
            QueryHeads = queryHeads,
            KeyHeads = keyHeads,
            HeadSize = headSize,
            FeedForward = Get("feed_forward_length", LargestWidth),
            Vocabulary = checked((int)file.GetTensor("token_embd.weight").Rows),
            ContextLength = Get("context_length", 1 << 24),
            AttentionScale = 1 / MathF.Sqrt(headSize),
            RopePairing = pairing,
            RopeFrequencies = ReadFrequencies(file, architecture, rotated),
        };
    }

    private static double[] ReadFrequencies(GgufFile file, string architecture, int rotated)
    {
        double rope = file.Metadata.TryGetSingle($"{architecture}.rope.freq_base", out float stored) ? stored : 10000;
        Require(file, rope > 0 && double.IsFinite(rope), $"{architecture}.rope.freq_base {rope} is not a positive number");
        double[] frequencies = RopeFrequencies.Compute(rope, rotated);
        string scaling = file.Metadata.TryGetString($"{architecture}.rope.scaling.type", out string? named) ? named : "none";
        Require(file, scaling is "none" or "linear", $"{architecture}.rope.scaling.type '{scaling}' is not supported; supported: none, linear");
        if (scaling == "linear" && file.Metadata.TryGetSingle($"{architecture}.rope.scaling.factor", out float factor))
        {
            Require(file, factor > 0 && float.IsFinite(factor), $"{architecture}.rope.scaling.factor {factor} is not a positive number");
            Divide(frequencies, _ => factor);
        }

        if (file.TryGetTensor("rope_freqs.weight", out var tensor))
        {
            Require(file, tensor.Type == GgmlType.F32 && tensor.ElementCount == frequencies.Length,
                $"tensor 'rope_freqs.weight' is {tensor.Type} with {tensor.ElementCount} elements; {frequencies.Length} elements of F32 are needed");
            float[] factors = ReadSingles(file, tensor);
            Divide(frequencies, i => factors[i]);
        }

        return frequencies;
    }

    private static void Divide(double[] frequencies, Func<int, double> divisor)
    {
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] /= divisor(i);
        }
    }

    private static unsafe float[] ReadSingles(GgufFile file, GgufTensor tensor) =>
        new ReadOnlySpan<float>(file.DataOf(tensor), checked((int)tensor.ElementCount)).ToArray();

    private static int Bounded(GgufFile file, string key, int value, int most)
    {
        Require(file, value >= 1 && value <= most, $"{key} is {value}; allowed: 1 to {most}");
        return value;
    }

    internal static void Require(GgufFile file, bool condition, string message)
    {
        if (!condition)
        {
            throw new GgufException($"{file.Path}: {message}");
        }
    }
}
