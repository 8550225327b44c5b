using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization;

/// <summary>Errors about a model's vocabulary.</summary>
internal static class TokenizerErrors
{
    /// <summary>An error at one metadata key.</summary>
    public static GgufException At(string key, string found, string allowed) => new($"tokenizer metadata: {key}: found {found}; allowed: {allowed}");

    /// <summary>A name from a file in quotes, shortened, without control characters.</summary>
    public static string Quote(string name)
    {
        string shown = name.Length > 60 ? name[..60] + "…" : name;
        return "'" + string.Concat(shown.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) + "'";
    }
}
