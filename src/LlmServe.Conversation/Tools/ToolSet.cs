using System.Text.Json;

namespace LlmServe.Conversation;

/// <summary>The tools of one request, and which of them an answer may call.</summary>
internal sealed class ToolSet
{
    private readonly Dictionary<string, ToolDefinition> _tools;
    private readonly HashSet<string> _callable;

    public ToolSet(IReadOnlyList<ToolDefinition> tools, ToolChoice choice)
    {
        All = tools;
        Choice = choice;
        _tools = tools.ToDictionary(tool => tool.Name, StringComparer.Ordinal);
        Callable = choice.Mode switch
        {
            ToolChoiceMode.None => [],
            ToolChoiceMode.Named => [_tools[choice.Name!]],
            _ => tools,
        };
        _callable = [.. Callable.Select(tool => tool.Name)];
    }

    /// <summary>All tools, in order.</summary>
    public IReadOnlyList<ToolDefinition> All { get; }

    /// <summary>Those that may be called.</summary>
    public IReadOnlyList<ToolDefinition> Callable { get; }

    public ToolChoice Choice { get; }

    /// <summary>Whether there must be a call.</summary>
    public bool MustCall => Choice.Mode is ToolChoiceMode.Required or ToolChoiceMode.Named;

    public bool IsCallable(string name) => _callable.Contains(name);

    /// <summary>What a tool's schema says of an argument; null where it says nothing.</summary>
    public ArgumentSchema? SchemaOf(string tool, string argument) =>
        _tools.TryGetValue(tool, out var definition) && definition.Parameters is { ValueKind: JsonValueKind.Object } schema
            ? ArgumentSchema.Of(schema).Members?.FirstOrDefault(member => member.Name == argument)?.Schema : null;
}
