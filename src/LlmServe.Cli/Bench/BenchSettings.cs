using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cli.Bench;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchSettings
{
    /// <summary>Model files; null stands for the embedded one.</summary>
    public required IReadOnlyList<string?> Models { get; init; }

    /// <summary>Formats to re-encode each model into; empty: as the file is.</summary>
    public required IReadOnlyList<BlockFormat> Formats { get; init; }

    /// <summary>Modes to measure each in.</summary>
    public required IReadOnlyList<ActivationMode> Activations { get; init; }

    /// <summary>Lanes, instruction set, KV element type.</summary>
    public required CpuOptions Cpu { get; init; }

    /// <summary>Points and runs.</summary>
    public required BenchPlan Plan { get; init; }

    /// <summary>A text whose perplexity is measured, or null.</summary>
    public required string? Text { get; init; }

    /// <summary>Tokens of the text that are read at most.</summary>
    public required int TextTokens { get; init; }
}
