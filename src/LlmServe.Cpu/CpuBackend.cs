using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Profile;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Cpu;

/// <summary>Instruction sets that the kernels are specialised for.</summary>
public enum CpuIsa
{
    Scalar,
    Avx2,
    Avx512,
    Neon,

    /// <summary>AVX-512 whose matrix products run on dot product instructions, in machine code that the process writes itself.</summary>
    Avx512Vnni,
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

    /// <summary>
    /// An executor from <see cref="CpuBackend.Load"/> whose threads this one uses too, instead of <see cref="Lanes"/> of its own; null: none. The two must
    /// never run at the same time, as a model and its draft do not.
    /// </summary>
    public IProgramExecutor? LanesOf { get; init; }

    /// <summary>Instruction set; null: <c>LLMSERVE_ISA</c> if set, else the best that the processor has.</summary>
    public CpuIsa? Isa { get; init; }

    /// <summary>Most positions of a sequence; null: what the model says.</summary>
    public int? ContextLength { get; init; }

    /// <summary>What ticks give: names of <see cref="TickOutputs"/>.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [TickOutputs.Logits];

    /// <summary>The layers to run; null: all. See <see cref="CompilerOptions.Layers"/>.</summary>
    public LayerRange? Layers { get; init; }

    /// <summary>Rewrites of the graph to leave out: <see cref="CompilerOptions.WithoutPasses"/>.</summary>
    internal IReadOnlyCollection<string> WithoutPasses { get; init; } = [];

    /// <summary>The largest <see cref="MaxRowsPerTick"/>: kernels' scratch is sized for it.</summary>
    public const int MostRowsPerTick = 256;

    /// <summary>Most rows of a tick, 1 to <see cref="MostRowsPerTick"/>.</summary>
    public int MaxRowsPerTick { get; init; } = MostRowsPerTick;

    /// <summary>Most sequences at once (slots of the row table).</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>
    /// Bytes of KV memory; null: enough for one full context, and for <see cref="MaxSequences"/> short ones, as far as the machine or the container has room
    /// beside the weights.
    /// </summary>
    public long? KvBytes { get; init; }

    /// <summary>Where repacked weights are kept between starts; null: nowhere, they are repacked at every start.</summary>
    public RepackCacheOptions? RepackCache { get; init; }

    /// <summary>Where the machine's profile is kept between starts; null: nowhere, the machine is measured when a prediction is first asked for.</summary>
    public ProfileCacheOptions? ProfileCache { get; init; }
}

/// <summary>Progress of loading: a step's name and the share done, 0 … 1.</summary>
public readonly record struct LoadProgress(string Step, double Share);

/// <summary>Compiles a model for the CPU.</summary>
public static class CpuBackend
{
    /// <summary>Compiles <paramref name="model"/>, copies and repacks its weights and starts the lanes. From then on the file is not read: it may be closed, changed or deleted.</summary>
    /// <exception cref="GgufException">The model is incomplete or of an unknown architecture or format, or its file changed meanwhile.</exception>
    /// <exception cref="InsufficientMemoryException">The machine, or the container, cannot hold the weights, or the context or KV memory asked for; the message has both numbers.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or the processor has not the instruction set asked for.</exception>
    public static IProgramExecutor Load(GgufFile model, CpuOptions options, IProgress<LoadProgress>? progress = null)
    {
        return LoadWith(model, options, IsaSelector.Select(options.Isa), progress);
    }

    /// <summary>The same with given kernels, also with those of a processor that this one is not.</summary>
    internal static IProgramExecutor LoadWith(GgufFile model, CpuOptions options, KernelTable kernels, IProgress<LoadProgress>? progress = null)
    {
        var (compiled, lanes) = Compile(model, options, kernels);
        return new CpuExecutor(model, compiled, kernels, options, lanes, progress);
    }

    /// <summary>Compiles without loading weights: what <c>llmserve compile</c> prints.</summary>
    public static CompiledModel CompileOnly(GgufFile model, CpuOptions options) => Compile(model, options, IsaSelector.Select(options.Isa)).Model;

    /// <summary>Measures this machine with the kernels that a compiled model needs: what <c>llmserve compile</c> predicts with. No weights are loaded.</summary>
    /// <param name="model">From <see cref="CompileOnly"/>.</param>
    /// <param name="options">The options that it was compiled with.</param>
    public static MachineProfile MeasureProfile(CompiledModel model, CpuOptions options) =>
        MeasureProfile(model, IsaSelector.Select(options.Isa), options);

    /// <summary>Name of the path that options lead to: <c>cpu avx2, 2 lanes</c>.</summary>
    /// <exception cref="ArgumentException">The processor has not the instruction set asked for.</exception>
    public static string Describe(CpuOptions options) => CpuExecutor.NameOf(IsaSelector.Select(options.Isa), LaneCount(options));

    private static unsafe MachineProfile MeasureProfile(CompiledModel model, KernelTable kernels, CpuOptions options) =>
        MachineProfiler.Measure(model, kernels, LaneCount(options), null, 0, options.ProfileCache);

    private static int LaneCount(CpuOptions options) =>
        (options.LanesOf as CpuExecutor)?.Lanes.Lanes ?? (options.Lanes == 0 ? Environment.ProcessorCount : options.Lanes);

    private static (CompiledModel Model, int Lanes) Compile(GgufFile model, CpuOptions options, KernelTable kernels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Lanes);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxRowsPerTick, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxRowsPerTick, CpuOptions.MostRowsPerTick);
        int lanes = LaneCount(options);
        var target = new CpuTarget(kernels, options.Activations, lanes);
        var compiled = ModelCompiler.Compile(model, target, new CompilerOptions(options.Activations, options.Kv, options.MaxRowsPerTick, options.ContextLength)
        {
            Outputs = options.Outputs,
            Layers = options.Layers,
            WithoutPasses = options.WithoutPasses,
        });
        return (compiled, lanes);
    }
}
