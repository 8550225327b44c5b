using System.Runtime.InteropServices;
using System.Text.Json;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests;

/// <summary>Logits of a model of <c>golden/tiny</c> or <c>golden/quantized</c>, as Hugging Face's Llama gives them in f32 on the decoded weights.</summary>
internal sealed record GoldenLogits(int[][] Sequences, float[] Logits, int Vocabulary)
{
    public static GoldenLogits Load(string folder, string name) => Load(TestData.Local("golden", folder, name));

    /// <summary>Those of a model of the shared data, <c>folder/name</c>.</summary>
    public static GoldenLogits LoadShared(string name) => Load(Path.ChangeExtension(SharedModel(name), null));

    /// <summary>The model's file.</summary>
    public static string SharedModel(string name) => TestData.Shared(["data", "golden", .. (name + ".gguf").Split('/')]);

    private static GoldenLogits Load(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path + ".json"));
        var root = document.RootElement;
        int[][] sequences = [.. root.GetProperty("sequences").EnumerateArray().Select(s => s.EnumerateArray().Select(i => i.GetInt32()).ToArray())];
        byte[] bytes = File.ReadAllBytes(path + ".logits.f32");
        int vocabulary = root.GetProperty("vocab").GetInt32();
        Assert.Equal(sequences.Sum(s => s.Length) * vocabulary * sizeof(float), bytes.Length);
        return new GoldenLogits(sequences, MemoryMarshal.Cast<byte, float>(bytes).ToArray(), vocabulary);
    }
}

/// <summary>Distances between logits.</summary>
internal static class LogitsDistance
{
    /// <summary>KL divergence of the softmax of <paramref name="actual"/> from that of <paramref name="expected"/>, in binary64. [vocabulary]</summary>
    public static double Divergence(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double expectedNorm = LogSum(expected), actualNorm = LogSum(actual), divergence = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            double log = expected[i] - expectedNorm;
            divergence += Math.Exp(log) * (log - (actual[i] - actualNorm));
        }

        return divergence;
    }

    /// <summary>Mean of <see cref="Divergence"/> over rows.</summary>
    public static double MeanDivergence(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, int vocabulary)
    {
        double sum = 0;
        for (int at = 0; at < expected.Length; at += vocabulary)
        {
            sum += Divergence(expected.Slice(at, vocabulary), actual.Slice(at, vocabulary));
        }

        return sum / (expected.Length / vocabulary);
    }

    /// <summary>Largest difference of two logits.</summary>
    public static double Largest(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs((double)expected[i] - actual[i]));
        }

        return largest;
    }

    /// <summary>Index of the largest, the lower one of equals.</summary>
    public static int ArgMax(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (float l in logits)
        {
            largest = Math.Max(largest, l);
        }

        foreach (float l in logits)
        {
            sum += Math.Exp(l - largest);
        }

        return largest + Math.Log(sum);
    }
}
