using System.Globalization;
using LlmServe.Compiler.Operations;
using LlmServe.Execution.Numerics;

namespace LlmServe.Compiler.Architectures;

/// <summary>Reads the angles of rotary embeddings from metadata and tensors. docs/models.md says what missing keys mean.</summary>
internal static class RopeReader
{
    /// <summary>The rotated elements of a head of this size.</summary>
    public static int ReadRotated(ModelSource source, int headSize)
    {
        int rotated = source.GetInt32("rope.dimension_count", 4096, headSize);
        source.Require(rotated <= headSize && rotated % 2 == 0, $"rope.dimension_count {rotated} is odd or above the head size {headSize}");
        return rotated;
    }

    /// <summary>The angles of a model whose layers are alike: base, scaling, and factors of frequencies.</summary>
    public static RopeAngles Read(ModelSource source, int rotated)
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

        return new RopeAngles(frequencies);
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

    private static float[] ReadFactors(ModelSource source, string name, int count)
    {
        float[] factors = source.Numbers(name, count);
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
