using LlmServe.Execution;

namespace LlmServe.Cpu.Tests.Families;

/// <summary>Golden models of all families: a row for each.</summary>
internal static class FamilyModels
{
    /// <summary>Folder and name.</summary>
    public static readonly string[] All =
    [
        "tiny/gemma2",
        "tiny/llama",
        "tiny/llama-linear-rope",
        "tiny/llama3-rope",
        "tiny/mistral",
        "tiny/qwen2",
        "tiny/qwen2-yarn",
        "tiny/qwen3",
    ];

    /// <summary>Whether some of its weights are blocks, which 8-bit activations are multiplied by.</summary>
    public static bool IsQuantized(string name) => name == "tiny/gpt-oss";

    /// <summary>Activation modes in which it runs differently.</summary>
    public static IEnumerable<ActivationMode> ModesOf(string name) => IsQuantized(name) ? Enum.GetValues<ActivationMode>() : [ActivationMode.Int8];
}
