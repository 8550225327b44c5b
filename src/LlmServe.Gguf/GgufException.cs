namespace LlmServe.Gguf;

/// <summary>A model file is broken, hostile, or holds what this project cannot use. The message says what, where, what was found and what is allowed.</summary>
public sealed class GgufException : Exception
{
    /// <summary>An error with a complete message.</summary>
    public GgufException(string message, Exception? inner = null) : base(message, inner)
    {
    }

    /// <summary>An error at one field of one file.</summary>
    /// <param name="file">Path of the file.</param>
    /// <param name="field">Which field, for example <c>tensor 'output.weight' dimension 0</c>.</param>
    /// <param name="found">What the file holds there.</param>
    /// <param name="allowed">What it may hold, and where useful what to do.</param>
    public GgufException(string file, string field, string found, string allowed)
        : base($"{file}: {field}: found {found}; allowed: {allowed}")
    {
    }

    /// <summary>A name from a file in quotes, shortened, and with control characters escaped so that it cannot break a log line.</summary>
    public static string Quote(string name)
    {
        string shown = name.Length > 80 ? name[..80] + "…" : name;
        return "'" + string.Concat(shown.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) + "'";
    }
}
