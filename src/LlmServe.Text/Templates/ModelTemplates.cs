using System.Collections.Frozen;
using LlmServe.Gguf;

namespace LlmServe.Text.Templates;

/// <summary>
/// The chat templates that a model file holds: the usual one, and others by name, such as the one that a publisher wrote for conversations with tools.
/// </summary>
public sealed class ModelTemplates
{
    /// <summary>The name of the usual template.</summary>
    public const string Default = "default";

    /// <summary>The name of the template for conversations with tools.</summary>
    public const string ToolUse = "tool_use";

    private const string Key = "tokenizer.chat_template";

    private readonly FrozenDictionary<string, string> _sources;

    private ModelTemplates(Dictionary<string, string> sources)
    {
        _sources = sources.ToFrozenDictionary(StringComparer.Ordinal);
        Names = [.. sources.Keys.Where(name => name != Default).Order(StringComparer.Ordinal)];
        Names = sources.ContainsKey(Default) ? [Default, .. Names] : Names;
    }

    /// <summary>No templates at all.</summary>
    public static ModelTemplates None { get; } = new([]);

    /// <summary>All names, the usual template's first.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Reads the templates of a file: <c>tokenizer.chat_template</c>, and each <c>tokenizer.chat_template.NAME</c>.</summary>
    public static ModelTemplates Read(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        var sources = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, _) in metadata.Entries)
        {
            if (key == Key && metadata.TryGetString(key, out string? usual))
            {
                sources[Default] = usual;
            }
            else if (key.StartsWith(Key + ".", StringComparison.Ordinal) && key.Length > Key.Length + 1 && metadata.TryGetString(key, out string? source))
            {
                sources.TryAdd(key[(Key.Length + 1)..], source);
            }
        }

        return new ModelTemplates(sources);
    }

    /// <summary>Only a usual template, from elsewhere than a model file.</summary>
    public static ModelTemplates Of(string source) => new(new Dictionary<string, string> { [Default] = source });

    /// <summary>The name of the template for a conversation; null where the file has none.</summary>
    /// <param name="hasTools">Whether tools are given: a template for them then goes first.</param>
    public string? Choose(bool hasTools) => hasTools && _sources.ContainsKey(ToolUse) ? ToolUse : Names.Count > 0 ? Names[0] : null;

    /// <summary>A template's text, or null where there is none of this name.</summary>
    public string? Source(string name) => _sources.GetValueOrDefault(name);
}
