using System.Globalization;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Architectures;

/// <summary>
/// What an architecture reads a model from: metadata under the family's prefix, and tensors. It remembers what was asked for, so that
/// <see cref="RefuseUnread"/> finds what the finished graph leaves out, and collects what is odd without being wrong.
/// </summary>
/// <param name="file">The model, open.</param>
/// <param name="contextLimit">Most positions that will be served; null: what the file says.</param>
internal sealed class ModelSource(GgufFile file, int? contextLimit = null)
{
    private readonly HashSet<string> _keysRead = new(StringComparer.Ordinal);
    private readonly HashSet<string> _tensorsRead = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];

    /// <summary>The model's file.</summary>
    public GgufFile File => file;

    /// <summary>The value of <c>general.architecture</c>, which begins every key of the family.</summary>
    public string Architecture { get; } = file.Metadata.GetString("general.architecture");

    /// <summary>Most positions that will be served; null: what the file says.</summary>
    public int? ContextLimit => contextLimit;

    /// <summary>What people should know of the model, one sentence each.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Notes something that people should know, once.</summary>
    public void Warn(string sentence)
    {
        if (!_warnings.Contains(sentence))
        {
            _warnings.Add(sentence);
        }
    }

    /// <summary>An error that names the file.</summary>
    public GgufException Error(string message) => new($"{file.Path}: {message}");

    /// <summary>Demands something of the file.</summary>
    /// <exception cref="GgufException">It is not so.</exception>
    public void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw Error(message);
        }
    }

    /// <summary>Whether the file has the tensor. Asking is not reading.</summary>
    public bool Has(string tensor) => file.TryGetTensor(tensor, out _);

    /// <summary>A tensor that the graph reads.</summary>
    /// <exception cref="GgufException">There is none of that name.</exception>
    public GgufTensor Tensor(string name)
    {
        _tensorsRead.Add(name);
        return file.GetTensor(name);
    }

    /// <summary>Demands that a vector is stored as floats. Narrow ones are widened, which changes no value, with a warning.</summary>
    /// <exception cref="GgufException">It has another format.</exception>
    public void RequireFloat(GgufTensor vector)
    {
        Require(vector.Type is GgmlType.F32 or GgmlType.F16 or GgmlType.BF16, $"tensor '{vector.Name}' is {vector.Type}; vectors of this architecture must be F32, F16 or BF16");
        if (vector.Type != GgmlType.F32)
        {
            Warn($"vectors are stored as {vector.Type} where F32 is usual; they are widened, which changes no value");
        }
    }

    /// <summary>
    /// A whole number from 1 to <paramref name="most"/>, the same for every layer: an array of equal numbers is taken as one of them, with a warning.
    /// </summary>
    /// <param name="key">Without the family's prefix.</param>
    /// <param name="most">The largest allowed.</param>
    /// <param name="absent">What a missing key means; null: it must be there.</param>
    /// <exception cref="GgufException">It is missing, no such number, or differs between layers.</exception>
    public int GetInt32(string key, int most, int? absent = null)
    {
        string full = Read(key);
        if (absent is { } usual && !file.Metadata.Contains(full))
        {
            return usual;
        }

        int number = file.Metadata.TryGetValue(full, out var value) && value.IsArray ? Uniform(full, value) : file.Metadata.GetInt32(full);
        Require(number >= 1 && number <= most, $"{full} is {number}; allowed: 1 to {most}");
        return number;
    }

    /// <summary>A whole number from 0 to <paramref name="most"/> for each layer, which the file has as one for all or as an array.</summary>
    /// <param name="key">Without the family's prefix.</param>
    /// <param name="layers">Layers; the file may have more, which are left out.</param>
    /// <param name="most">The largest allowed.</param>
    /// <param name="absent">What a missing key means; null: it must be there.</param>
    /// <exception cref="GgufException">It is missing, or holds something else.</exception>
    public int[] GetInt32s(string key, int layers, int most, int? absent = null)
    {
        string full = Read(key);
        if (absent is { } usual && !file.Metadata.Contains(full))
        {
            return [.. Enumerable.Repeat(usual, layers)];
        }

        int[] numbers = !file.Metadata.TryGetValue(full, out var value) || !value.IsArray ? [.. Enumerable.Repeat(file.Metadata.GetInt32(full), layers)]
            : value.TryGetInt32s(out int[] all) && all.Length >= layers ? all[..layers]
            : throw Error($"{full} is {value}; allowed: a whole number, or an array of one for each of {layers} layers");
        int wrong = Array.FindIndex(numbers, number => number < 0 || number > most);
        Require(wrong < 0, $"{full} is {(wrong < 0 ? 0 : numbers[wrong])} for layer {wrong}; allowed: 0 to {most}");
        return numbers;
    }

    /// <summary>A whole number from 0 to <paramref name="most"/>, or null where the key is missing.</summary>
    /// <param name="key">Without the family's prefix.</param>
    /// <param name="most">The largest allowed.</param>
    /// <exception cref="GgufException">It is no such number.</exception>
    public int? TryGetInt32(string key, int most)
    {
        string full = Read(key);
        if (!file.Metadata.Contains(full))
        {
            return null;
        }

        int number = file.Metadata.GetInt32(full);
        Require(number >= 0 && number <= most, $"{full} is {number}; allowed: 0 to {most}");
        return number;
    }

    /// <summary>A switch for each layer; null where the key is missing or holds something else.</summary>
    /// <param name="key">Without the family's prefix.</param>
    /// <param name="layers">Layers; the file may have more, which are left out.</param>
    /// <exception cref="GgufException">There are too few.</exception>
    public bool[]? TryGetBools(string key, int layers)
    {
        string full = Read(key);
        if (!file.Metadata.TryGetValue(full, out var value) || !value.IsArray)
        {
            return null;
        }

        Require(value.Count >= layers, $"{full} has {value.Count} elements; there are {layers} layers");
        return [.. Enumerable.Range(0, layers).Select(i => value[i].TryGetBool(out bool flag) ? flag : value[i].TryGetInt64(out long number) && number != 0)];
    }

    /// <summary>A switch, or <paramref name="absent"/> where the key is missing.</summary>
    /// <param name="key">Without the family's prefix.</param>
    /// <param name="absent">What a missing key means.</param>
    public bool GetBool(string key, bool absent) => file.Metadata.TryGetBool(Read(key), out bool flag) ? flag : absent;

    /// <summary>The numbers of a small tensor that the graph takes as constants.</summary>
    /// <param name="name">Of the tensor.</param>
    /// <param name="count">Numbers that it must have.</param>
    public float[] Numbers(string name, int count)
    {
        var tensor = Tensor(name);
        RequireFloat(tensor);
        Require(tensor.ElementCount == count, $"tensor '{name}' has {tensor.ElementCount} elements; {count} are needed");
        float[] numbers = new float[count];
        for (long row = 0, width = tensor.Columns; row < tensor.Rows; row++)
        {
            File.DecodeRow(tensor, row, numbers.AsSpan((int)(row * width), (int)width));
        }

        return numbers;
    }

    /// <summary>A finite number, or null where the key is missing.</summary>
    /// <param name="key">Without the family's prefix.</param>
    /// <exception cref="GgufException">It is no finite number.</exception>
    public float? TryGetSingle(string key)
    {
        string full = Read(key);
        if (!file.Metadata.TryGetSingle(full, out float number))
        {
            return null;
        }

        Require(float.IsFinite(number), string.Create(CultureInfo.InvariantCulture, $"{full} is {number}; allowed: a finite number"));
        return number;
    }

    /// <summary>A text, or null where the key is missing.</summary>
    /// <param name="key">Without the family's prefix.</param>
    public string? TryGetString(string key) => file.Metadata.TryGetString(Read(key), out string? text) ? text : null;

    /// <summary>The key with the family's prefix.</summary>
    public string Full(string key) => $"{Architecture}.{key}";

    /// <summary>
    /// Refuses what the file holds and nobody read: a tensor or key that would be ignored silently makes another model than the file describes. Keys that
    /// neither the family nor this project knows are named in a warning.
    /// </summary>
    /// <param name="rules">What the family says of it.</param>
    /// <param name="context">Most positions that are served.</param>
    /// <exception cref="GgufException">Something is left that changes the result.</exception>
    public void RefuseUnread(FileRules rules, int context)
    {
        GgufTensor[] left = [.. file.Tensors.Where(tensor => !_tensorsRead.Contains(tensor.Name) && !rules.Ignores(tensor.Name))];
        if (left.Length > 0)
        {
            string others = left.Length > 1 ? $" (and {left.Length - 1} more)" : "";
            throw Error($"tensor {GgufException.Quote(left[0].Name)}{others} belongs to a variant of {Architecture}, or to a layer beyond its count, that is not supported: its effect would be missing");
        }

        string prefix = Full("");
        foreach (var (key, value) in file.Metadata.Entries)
        {
            if (key.StartsWith(prefix, StringComparison.Ordinal) && !_keysRead.Contains(key))
            {
                CheckKey(rules.Find(key[prefix.Length..]), key, value, context);
            }
        }
    }

    private void CheckKey(KeyRule? rule, string key, GgufValue value, int context)
    {
        if (rule is null)
        {
            Warn($"{GgufException.Quote(key)} is not known and has no effect; found {value}");
        }
        else if (!rule.Allows(value, context))
        {
            throw Error($"{key} is {value}, which is not supported for {Architecture}; allowed: {rule.Allowed}");
        }
    }

    private int Uniform(string full, GgufValue value)
    {
        if (!value.TryGetInt32s(out int[] numbers) || numbers.Length == 0)
        {
            throw Error($"{full} is {value}; allowed: a whole number, or an array of equal ones");
        }

        Require(Array.TrueForAll(numbers, number => number == numbers[0]), $"{full} differs between layers, which is not supported: {value}");
        Warn($"{full} is an array of {numbers.Length} equal numbers; taken as one");
        return numbers[0];
    }

    private string Read(string key)
    {
        string full = Full(key);
        _keysRead.Add(full);
        return full;
    }
}
