using System.Collections.Concurrent;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Profile;

/// <summary>
/// Measures what a compiled model needs to know of this machine, in some tens of milliseconds. What was measured once is kept for the process:
/// fastest times are taken, so a busy moment is not remembered.
/// </summary>
internal static unsafe class MachineProfiler
{
    private const long MostBytesRead = 256 << 20;

    private static readonly ConcurrentDictionary<KernelId, KernelTime> _kernels = new();
    private static readonly ConcurrentDictionary<int, (double Barrier, double Overhead)> _lanes = new();
    private static readonly ConcurrentDictionary<(int Lanes, long Bytes), double> _bandwidths = new();

    /// <summary>What a kernel's time depends on beside its key.</summary>
    private readonly record struct KernelId(KernelKey Key, CpuIsa Isa, ActivationMode Mode, KvElement Kv, int QueryHeads, int KeyHeads, int HeadSize);

    /// <summary>Measures on lanes that exist.</summary>
    /// <param name="model">The programs.</param>
    /// <param name="kernels">Their kernels.</param>
    /// <param name="lanes">Idle lanes.</param>
    /// <param name="weights">Weights as ticks read them, so that the bandwidth is that of their pages and of the caches they fit into.</param>
    /// <param name="weightBytes">Their length; 0: a buffer of the model's size stands in for them.</param>
    public static MachineProfile Measure(CompiledModel model, KernelTable kernels, LanePool lanes, byte* weights, long weightBytes)
    {
        var (barrier, overhead) = _lanes.GetOrAdd(lanes.Lanes, _ => LaneMeter.Synchronisation(lanes));
        return new MachineProfile
        {
            ReadBandwidth = Bandwidth(model, lanes, weights, weightBytes),
            Barrier = barrier,
            TickOverhead = overhead,
            Kernels = Kernels(model, kernels),
            IsMeasured = true,
        };
    }

    /// <summary>Measures on lanes that live as long as the measurement.</summary>
    public static MachineProfile Measure(CompiledModel model, KernelTable kernels, int lanes)
    {
        var tick = default(TickState);
        using var pool = new LanePool(lanes, 4096, &tick);
        return Measure(model, kernels, pool, null, 0);
    }

    private static double Bandwidth(CompiledModel model, LanePool lanes, byte* weights, long weightBytes)
    {
        long wanted = Math.Min(MostBytesRead, Math.Max(4096L * lanes.Lanes, weightBytes > 0 ? weightBytes : model.Programs[0].WeightBytes));
        if (_bandwidths.TryGetValue((lanes.Lanes, wanted), out double known))
        {
            return known;
        }

        double measured;
        if (weightBytes >= wanted)
        {
            measured = LaneMeter.ReadBandwidth(lanes, weights, wanted);
        }
        else
        {
            using var buffer = new NativeBuffer(wanted);
            new Span<byte>(buffer.Data, checked((int)wanted)).Fill(1);
            measured = LaneMeter.ReadBandwidth(lanes, buffer.Data, wanted);
        }

        return _bandwidths.GetOrAdd((lanes.Lanes, wanted), measured);
    }

    private static Dictionary<KernelKey, KernelTime> Kernels(CompiledModel model, KernelTable kernels)
    {
        var shape = model.Graph.Shape;
        var times = new Dictionary<KernelKey, KernelTime>();
        KernelProbe? probe = null;
        try
        {
            foreach (var (key, (program, instruction)) in Representatives(model))
            {
                var id = new KernelId(key, kernels.Isa, model.Info.Activations, model.Info.Kv, shape.QueryHeads, shape.KeyHeads, shape.HeadSize);
                if (!_kernels.TryGetValue(id, out var time))
                {
                    probe ??= new KernelProbe(model, kernels);
                    time = _kernels.GetOrAdd(id, probe.Measure(program, instruction));
                }

                times.Add(key, time);
            }
        }
        finally
        {
            probe?.Dispose();
        }

        return times;
    }

    /// <summary>For each kernel its longest instruction in the program of most rows that has it.</summary>
    private static Dictionary<KernelKey, (StreamProgram Program, Instruction Instruction)> Representatives(CompiledModel model)
    {
        var found = new Dictionary<KernelKey, (StreamProgram Program, Instruction Instruction)>();
        foreach (var program in model.Programs)
        {
            foreach (var instruction in program.Phases.SelectMany(p => p.Lanes).SelectMany(lane => lane))
            {
                var key = KernelKey.Of(program, instruction);
                if (!found.TryGetValue(key, out var known) || !ReferenceEquals(known.Program, program)
                    || known.Instruction.End - known.Instruction.Begin < instruction.End - instruction.Begin)
                {
                    found[key] = (program, instruction);
                }
            }
        }

        return found;
    }
}
