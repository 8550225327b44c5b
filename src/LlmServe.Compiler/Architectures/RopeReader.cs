using System.Globalization;
using LlmServe.Compiler.Operations;
using LlmServe.Execution.Numerics;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// Reads the angles of rotary embeddings from metadata and tensors. docs/models.md says what missing keys mean. Sources: Su et al., "RoFormer" (2021); Peng et al.,
/// "YaRN" (2023); Ding et al., "LongRoPE" (2024).
/// </summary>
internal static class RopeReader
{
    private const string FactorsTensor = "rope_freqs.weight", LongTensor = "rope_factors_long.weight", ShortTensor = "rope_factors_short.weight";

    /// <summary>The rotated elements of a head of this size.</summary>
    public static int ReadRotated(ModelSource source, int headSize, string key = "rope.dimension_count")
    {
        int rotated = source.GetInt32(key, 4096, headSize);
        source.Require(rotated <= headSize && rotated % 2 == 0, $"{key} {rotated} is odd or above the head size {headSize}");
        return rotated;
    }

    /// <summary>The angles of layers that are alike: base, scaling, and factors of frequencies.</summary>
    public static RopeAngles Read(ModelSource source, int rotated, RopeRules? rules = null)
    {
        rules ??= RopeRules.Usual;
        double rope = source.TryGetSingle(rules.BaseKey) ?? rules.AbsentBase;
        source.Require(rope > 0, string.Create(CultureInfo.InvariantCulture, $"{source.Full(rules.BaseKey)} is {rope}; allowed: a positive number"));
        double[] frequencies = RopeFrequencies.Compute(rope, rotated);
        string type = rules.IsScaled ? ReadType(source) : "none";
        double magnitude = source.TryGetSingle("rope.scaling.attn_factor") ?? 1;
        switch (type)
        {
            case "linear":
                double factor = ReadFactor(source);
                Divide(frequencies, _ => factor);
                break;
            case "yarn":
                factor = ReadFactor(source);
                Interpolate(source, frequencies, rope, factor, rules.RoundsRange);
                magnitude *= rules.Magnitude(factor, source.TryGetSingle("rope.scaling.yarn_log_multiplier") ?? 0);
                break;
        }

        if ((rules.HasFactors && source.Has(FactorsTensor)) || type == "longrope" || (rules.HasLongFactors && source.Has(LongTensor)))
        {
            float[] factors = ReadFactors(source, type, frequencies.Length);
            Divide(frequencies, i => factors[i]);
        }

        return new RopeAngles(frequencies, (float)(rules.IsScaled ? magnitude : 1));
    }

    /// <summary>What YaRN multiplies cosines and sines by: 0.1 · <paramref name="multiplier"/> · ln factor + 1.</summary>
    public static double Magnitude(double factor, double multiplier) => factor <= 1 ? 1 : (0.1 * multiplier * CorrectFunctions.Log(factor)) + 1;

    /// <summary>The base of dynamic scaling: base · α^(d / (d − 2)).</summary>
    public static double ScaledBase(double rope, double alpha, int headSize) => rope * CorrectFunctions.Power(alpha, (double)headSize / (headSize - 2));

    private static string ReadType(ModelSource source)
    {
        const string Key = "rope.scaling.type";
        string type = source.TryGetString(Key) ?? "linear";
        source.Require(type is "none" or "linear" or "yarn" or "longrope", $"{source.Full(Key)} '{type}' is not supported; supported: none, linear, yarn, longrope");
        return type;
    }

    /// <summary>The factor of scaling. The old key counts where there is no new one, and 0 means 1.</summary>
    private static double ReadFactor(ModelSource source)
    {
        const string Key = "rope.scaling.factor", OldKey = "rope.scale_linear";
        float? stored = source.TryGetSingle(Key), old = source.TryGetSingle(OldKey);
        float factor = stored ?? old ?? 1;
        string key = source.Full(stored is null ? OldKey : Key);
        source.Require(factor >= 0, string.Create(CultureInfo.InvariantCulture, $"{key} is {factor}; allowed: a positive number, or 0, which means 1"));
        return factor == 0 ? 1 : factor;
    }

    /// <summary>YaRN: pairs that turn often keep their frequency, those that turn less than once are slowed down by the factor, and between it goes from one to the other.</summary>
    private static void Interpolate(ModelSource source, double[] frequencies, double rope, double factor, bool roundsRange)
    {
        int rotated = 2 * frequencies.Length;
        double original = OriginalContext(source);
        double low = Pair(source.TryGetSingle("rope.scaling.yarn_beta_fast") ?? 32), high = Pair(source.TryGetSingle("rope.scaling.yarn_beta_slow") ?? 1);
        if (roundsRange)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        (low, high) = (Math.Max(0, low), Math.Min(rotated - 1, high));
        for (int i = 0; i < frequencies.Length; i++)
        {
            double kept = 1 - Math.Clamp((i - low) / Math.Max(0.001, high - low), 0, 1);
            frequencies[i] = (frequencies[i] / factor * (1 - kept)) + (frequencies[i] * kept);
        }

        // The pair that turns so often in the original context.
        double Pair(float turns)
        {
            source.Require(turns > 0, string.Create(CultureInfo.InvariantCulture, $"a beta of YaRN is {turns}; allowed: a positive number"));
            return rotated * CorrectFunctions.Log(original / (2 * Math.PI * turns)) / (2 * CorrectFunctions.Log(rope));
        }
    }

    private static int OriginalContext(ModelSource source)
    {
        int context = source.GetInt32("context_length", int.MaxValue);
        return source.GetInt32("rope.scaling.original_context_length", int.MaxValue, context);
    }

    private static float[] ReadFactors(ModelSource source, string type, int count)
    {
        string name = FactorsTensor;
        if (!source.Has(FactorsTensor))
        {
            source.Require(source.Has(LongTensor) && source.Has(ShortTensor), $"scaling of type {type} needs the tensors {LongTensor} and {ShortTensor}");
            int context = source.GetInt32("context_length", int.MaxValue);
            bool isLong = Math.Min(source.ContextLimit ?? int.MaxValue, context) > OriginalContext(source);

            // Both belong to the model; which one counts is decided by the context that is served.
            name = isLong ? LongTensor : ShortTensor;
            source.Numbers(isLong ? ShortTensor : LongTensor, count);
        }

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
