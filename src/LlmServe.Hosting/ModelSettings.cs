using LlmServe.Cpu;

namespace LlmServe.Hosting;

/// <summary>Which model to run, and how.</summary>
public sealed record ModelSettings
{
    /// <summary>The GGUF file; null: the one that <c>LLMSERVE_MODEL</c> names, else the embedded model.</summary>
    public string? Path { get; init; }

    /// <summary>How to compile and run it.</summary>
    public CpuOptions Cpu { get; init; } = new();

    /// <summary>
    /// Where repacked weights are kept for the next start: <c>auto</c> (the user's cache folder), <c>off</c>, <c>beside</c> (beside the model) or a folder;
    /// null: what <c>LLMSERVE_REPACK_CACHE</c> says, else <c>auto</c>.
    /// </summary>
    public string? RepackCache { get; init; }

    /// <summary>Tokens to guess ahead; null: where it pays, 0: none.</summary>
    public int? Speculate { get; init; }

    /// <summary>File of a smaller model that guesses tokens ahead; null: none.</summary>
    public string? Draft { get; init; }
}
