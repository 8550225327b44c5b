using System.Globalization;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>Which values of a key change nothing when the key is not read.</summary>
internal sealed class KeyRule
{
    private readonly Func<GgufValue, int, bool> _allows;

    private KeyRule(string key, string allowed, Func<GgufValue, int, bool> allows)
    {
        Key = key;
        Allowed = allowed;
        _allows = allows;
    }

    /// <summary>The key, without the family's prefix.</summary>
    public string Key { get; }

    /// <summary>The values that change nothing, in words.</summary>
    public string Allowed { get; }

    /// <summary>Whether a value changes nothing.</summary>
    /// <param name="value">What the file says.</param>
    /// <param name="context">Most positions that are served.</param>
    public bool Allows(GgufValue value, int context) => _allows(value, context);

    /// <summary>Keys that change nothing whatever they say: the result does not depend on them, or only together with another key that has a rule.</summary>
    public static IEnumerable<KeyRule> WithoutEffect(params string[] keys) => keys.Select(key => new KeyRule(key, "anything", (_, _) => true));

    /// <summary>Numbers, or arrays of them, that change nothing when they are one of <paramref name="neutral"/>.</summary>
    public static IEnumerable<KeyRule> OnlyNumbers(double[] neutral, params string[] keys)
    {
        string allowed = $"{string.Join(" or ", neutral.Select(number => number.ToString(CultureInfo.InvariantCulture)))}, or no such key";
        return keys.Select(key => new KeyRule(key, allowed, (value, _) => Numbers(value).All(neutral.Contains)));
    }

    /// <summary>A switch that changes nothing in one position.</summary>
    public static KeyRule OnlyBool(bool neutral, string key) =>
        new(key, $"{(neutral ? "true" : "false")}, or no such key", (value, _) => value.TryGetBool(out bool flag) && flag == neutral);

    /// <summary>A window of attention, which changes nothing while it is as long as the context that is served.</summary>
    public static KeyRule Window(string key) => new(key, "0, no such key, or a --context that is no longer than it", (value, context) =>
        value.TryGetInt64(out long window) && (window == 0 || window >= context));

    /// <summary>Keys that change the result whatever they say.</summary>
    public static IEnumerable<KeyRule> Never(params string[] keys) => keys.Select(key => new KeyRule(key, "no such key", (_, _) => false));

    /// <summary>A number, or those of an array; NaN for what is none.</summary>
    private static IEnumerable<double> Numbers(GgufValue value)
    {
        if (!value.IsArray)
        {
            return [value.TryGetDouble(out double number) ? number : double.NaN];
        }

        return Enumerable.Range(0, value.Count).SelectMany(i => Numbers(value[i]));
    }
}
