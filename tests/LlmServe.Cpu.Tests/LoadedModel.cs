using LlmServe.Cpu.Kernels;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Tests;

/// <summary>A model file with an executor on it.</summary>
internal sealed class LoadedModel : IDisposable
{
    private readonly GgufFile _file;

    public LoadedModel(string path, CpuOptions options)
    {
        _file = GgufFile.Open(path);
        Executor = options.Isa is { } isa ? CpuBackend.LoadWith(_file, options, IsaSelector.Create(isa)) : CpuBackend.Load(_file, options);
    }

    public IProgramExecutor Executor { get; }

    /// <summary>A golden case's model in its modes.</summary>
    public static LoadedModel For(GoldenBits golden, CpuIsa isa, int lanes = 2, int rows = 64, int sequences = 2) => new(golden.Path, new CpuOptions
    {
        Activations = golden.Activations,
        Kv = golden.Kv,
        Lanes = lanes,
        Isa = isa,
        MaxRowsPerTick = rows,
        MaxSequences = sequences,
        ContextLength = 1024,
        KvBytes = 1L << 30,
    });

    /// <summary>
    /// Skips the calling test, saying so, where the processor has not the instruction set. The 128-bit kernels run everywhere: beside each of NEON's instructions stands a
    /// portable form of it.
    /// </summary>
    public static void Require(CpuIsa isa) => Skip.IfNot(isa == CpuIsa.Neon || IsaSelector.IsSupported(isa), $"SKIPPED: this processor has no {isa}");

    /// <summary>Skips the calling test, saying so, where the row kernels of vector instruction sets do not run.</summary>
    public static void RequireVectors() =>
        Skip.IfNot(IsaSelector.IsSupported(CpuIsa.Avx2) || IsaSelector.IsSupported(CpuIsa.Neon), "SKIPPED: this processor has neither AVX2 nor NEON");

    public void Dispose()
    {
        Executor.Dispose();
        _file.Dispose();
    }
}
