using LlmServe.Compiler.Architectures;

namespace LlmServe.Compiler;

/// <summary>What can be compiled, and what files may hold that no graph reads.</summary>
public static class ModelFamilies
{
    private static readonly FileRules Common = new();

    /// <summary>All families.</summary>
    public static IReadOnlyList<ModelFamily> All { get; } = [.. ArchitectureRegistry.All.Select(a => new ModelFamily(
        a.Name, a.Models, [.. a.Rules.Tensors.Except(Common.Tensors)], [.. KeysOf(a.Rules).Except(KeysOf(Common))]))];

    /// <summary>Tensors without effect on logits, of all families.</summary>
    public static IReadOnlyList<string> IgnoredTensors { get; } = [.. Common.Tensors];

    /// <summary>Keys that mean the same wherever they are read.</summary>
    public static IReadOnlyList<UnreadKey> UnreadKeys { get; } = [.. KeysOf(Common)];

    private static IEnumerable<UnreadKey> KeysOf(FileRules rules) => rules.Keys.Select(rule => new UnreadKey(rule.Key, rule.Allowed));
}
