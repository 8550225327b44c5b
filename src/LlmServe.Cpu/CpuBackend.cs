using LlmServe.Compiler;
using LlmServe.Gguf;

namespace LlmServe.Cpu;

/// <summary>Instruction sets that the kernels are specialised for.</summary>
public enum CpuIsa
{
    Scalar,
    Avx2,
    Avx512,
}

/// <summary>How a model is compiled for and run on the CPU.</summary>
public sealed record CpuOptions
{
    /// <summary>How rows enter quantized matrices.</summary>
    public ActivationMode Activations { get; init; } = ActivationMode.Int8;

    /// <summary>Element type of the KV cache.</summary>
    public KvElement Kv { get; init; } = KvElement.F16;

    /// <summary>Threads; 0: one per processor.</summary>
    public int Lanes { get; init; }

    /// <summary>Instruction set; null: <c>LLMSERVE_ISA</c> if set, else the best that the processor has.</summary>
    public CpuIsa? Isa { get; init; }

    /// <summary>Most positions of a sequence; null: what the model says.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Most rows of a tick.</summary>
    public int MaxRowsPerTick { get; init; } = 256;

    /// <summary>Most sequences at once (slots of the row table).</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Bytes of KV memory; null: enough for one full context, and for 64 short ones.</summary>
    public long? KvBytes { get; init; }
}

/// <summary>Progress of loading: a step's name and the share done, 0 … 1.</summary>
public readonly record struct LoadProgress(string Step, double Share);

/// <summary>Compiles a model for the CPU.</summary>
public static class CpuBackend
{
    /// <summary>Compiles <paramref name="model"/>, repacks its weights and starts the lanes. The file must stay open as long as the executor lives.</summary>
    /// <exception cref="GgufException">The model is incomplete or of an unknown architecture or format.</exception>
    public static IProgramExecutor Load(GgufFile model, CpuOptions options, IProgress<LoadProgress>? progress = null) => throw new NotImplementedException();
}
