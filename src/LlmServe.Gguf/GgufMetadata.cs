using System.Diagnostics.CodeAnalysis;

namespace LlmServe.Gguf;

/// <summary>
/// A model's metadata, in file order. The typed getters agree on one rule: an absent key gives false (or the fallback, or for the getters without one
/// a <see cref="GgufException"/>), while a key that is present with a value of another kind always throws, since silently ignoring it would run a
/// different model than the file describes. Valid after the file is disposed.
/// </summary>
public sealed class GgufMetadata
{
    private readonly string _file;
    private readonly List<KeyValuePair<string, GgufValue>> _entries;
    private readonly Dictionary<string, GgufValue> _byKey;

    internal GgufMetadata(string file, List<KeyValuePair<string, GgufValue>> entries)
    {
        _file = file;
        _entries = entries;
        _byKey = new Dictionary<string, GgufValue>(entries, StringComparer.Ordinal);
    }

    /// <summary>All keys with their values, in file order.</summary>
    public IReadOnlyList<KeyValuePair<string, GgufValue>> Entries => _entries;

    /// <summary>True where the key is present.</summary>
    public bool Contains(string key) => _byKey.ContainsKey(key);

    /// <summary>The value as stored, of any type.</summary>
    public bool TryGetValue(string key, [NotNullWhen(true)] out GgufValue? value) => _byKey.TryGetValue(key, out value);

    /// <summary>A string; bytes that are not UTF-8 become U+FFFD.</summary>
    public bool TryGetString(string key, [NotNullWhen(true)] out string? text)
    {
        text = null;
        return TryGetValue(key, out var value) && (value.TryGetString(out text) || Refuse(key, value, "a string"));
    }

    /// <summary>An integer of any type that fits in 64 signed bits.</summary>
    public bool TryGetInt64(string key, out long number)
    {
        number = 0;
        return TryGetValue(key, out var value) && (value.TryGetInt64(out number) || Refuse(key, value, "an integer below 2^63"));
    }

    /// <summary>An integer of any type that fits in 32 signed bits.</summary>
    public bool TryGetInt32(string key, out int number)
    {
        number = 0;
        if (!TryGetValue(key, out var value))
        {
            return false;
        }

        if (!value.TryGetInt64(out long wide) || wide != (int)wide)
        {
            return Refuse(key, value, "an integer that fits in 32 signed bits");
        }

        number = (int)wide;
        return true;
    }

    /// <summary>A number of any type, rounded to binary32.</summary>
    public bool TryGetSingle(string key, out float number)
    {
        double wide = 0;
        bool found = TryGetValue(key, out var value) && (value.TryGetDouble(out wide) || Refuse(key, value, "a number"));
        number = (float)wide;
        return found;
    }

    /// <summary>A bool.</summary>
    public bool TryGetBool(string key, out bool flag)
    {
        flag = false;
        return TryGetValue(key, out var value) && (value.TryGetBool(out flag) || Refuse(key, value, "a bool"));
    }

    /// <summary>An array of strings that decodes an element each time it is read; copy it where every element is needed more than once.</summary>
    public bool TryGetStrings(string key, [NotNullWhen(true)] out IReadOnlyList<string>? strings)
    {
        bool found = TryGetStringArray(key, out var array);
        strings = array;
        return found;
    }

    /// <summary>An array of strings with access to the bytes as stored, for vocabularies whose tokens are not UTF-8.</summary>
    public bool TryGetStringArray(string key, [NotNullWhen(true)] out GgufStringArray? strings)
    {
        strings = null;
        return TryGetValue(key, out var value) && (value.TryGetStrings(out strings) || Refuse(key, value, "an array of strings"));
    }

    /// <summary>An array of numbers of any type, each rounded to binary32.</summary>
    public bool TryGetSingles(string key, [NotNullWhen(true)] out float[]? numbers)
    {
        numbers = null;
        return TryGetValue(key, out var value) && (value.TryGetSingles(out numbers) || Refuse(key, value, "an array of numbers"));
    }

    /// <summary>An array of integers of any type that each fit in 32 signed bits.</summary>
    public bool TryGetInt32s(string key, [NotNullWhen(true)] out int[]? numbers)
    {
        numbers = null;
        return TryGetValue(key, out var value)
            && (value.TryGetInt32s(out numbers) || Refuse(key, value, "an array of integers that fit in 32 signed bits"));
    }

    /// <summary>A string that must be present.</summary>
    public string GetString(string key) => TryGetString(key, out string? text) ? text : throw Missing(key, "a string");

    /// <summary>A string, or the fallback where the key is absent.</summary>
    public string GetString(string key, string fallback) => TryGetString(key, out string? text) ? text : fallback;

    /// <summary>A 32-bit integer that must be present.</summary>
    public int GetInt32(string key) => TryGetInt32(key, out int number) ? number : throw Missing(key, "an integer");

    /// <summary>A 32-bit integer, or the fallback where the key is absent.</summary>
    public int GetInt32(string key, int fallback) => TryGetInt32(key, out int number) ? number : fallback;

    /// <summary>A 64-bit integer that must be present.</summary>
    public long GetInt64(string key) => TryGetInt64(key, out long number) ? number : throw Missing(key, "an integer");

    /// <summary>A number that must be present.</summary>
    public float GetSingle(string key) => TryGetSingle(key, out float number) ? number : throw Missing(key, "a number");

    /// <summary>A number, or the fallback where the key is absent.</summary>
    public float GetSingle(string key, float fallback) => TryGetSingle(key, out float number) ? number : fallback;

    /// <summary>A bool that must be present.</summary>
    public bool GetBool(string key) => TryGetBool(key, out bool flag) ? flag : throw Missing(key, "a bool");

    /// <summary>A bool, or the fallback where the key is absent.</summary>
    public bool GetBool(string key, bool fallback) => TryGetBool(key, out bool flag) ? flag : fallback;

    private GgufException Missing(string key, string allowed) => new(_file, $"metadata key {GgufException.Quote(key)}", "nothing", allowed);

    private bool Refuse(string key, GgufValue value, string allowed) =>
        throw new GgufException(_file, $"metadata key {GgufException.Quote(key)}", $"{value.TypeName} {value}", allowed);
}
