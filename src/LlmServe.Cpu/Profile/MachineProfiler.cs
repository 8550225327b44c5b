using System.Collections.Concurrent;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Memory;
using LlmServe.Execution;

namespace LlmServe.Cpu.Profile;

/// <summary>
/// Measures what a compiled model needs to know of this machine, in about a second of processor time. What was measured once is kept for the process, since
/// fastest times are taken, and on disk where the caller says so and other programs did not disturb.
/// </summary>
internal static unsafe class MachineProfiler
{
    private const long MostBytesRead = 256 << 20;

    private static readonly ConcurrentDictionary<KernelId, KernelTime> KernelTimes = new();
    private static readonly ConcurrentDictionary<int, (double Barrier, double Overhead)> LaneTimes = new();
    private static readonly ConcurrentDictionary<(int Lanes, long Bytes), double> Bandwidths = new();

    /// <summary>What a kernel's time depends on beside its key.</summary>
    private readonly record struct KernelId(
        KernelKey Key, CpuIsa Isa, ActivationMode Mode, KvElement Kv, int Lanes, long Bytes);

    /// <summary>Measures, on lanes of its own; those of an executor should be idle.</summary>
    /// <param name="model">The programs.</param>
    /// <param name="kernels">Their kernels.</param>
    /// <param name="lanes">Lanes that will play the programs.</param>
    /// <param name="weights">Weights as ticks read them, so that times are those of their pages and of the caches they fit into.</param>
    /// <param name="weightBytes">Their length; 0: a buffer of the model's size stands in for them.</param>
    /// <param name="cache">Where figures are kept between starts; null: nowhere.</param>
    public static MachineProfile Measure(CompiledModel model, KernelTable kernels, int lanes, byte* weights, long weightBytes, ProfileCacheOptions? cache = null)
    {
        long wanted = Math.Min(MostBytesRead, Math.Max(4096L * lanes, weightBytes > 0 ? weightBytes : model.Programs[0].WeightBytes));
        var needed = Representatives(model);
        KernelKey[] keys = [.. needed.Keys.OrderBy(key => key.ToString(), StringComparer.Ordinal)];
        string? path = cache is null ? null : ProfileFile.PathOf(cache.Folder, string.Join('\n', keys.Select(key => IdOf(model, kernels, lanes, wanted, key).ToString())));
        if (cache is { Refresh: false } && ProfileFile.TryRead(path!, keys, DateTimeOffset.UtcNow) is { } kept)
        {
            return kept;
        }

        if (!TryRecall(model, kernels, lanes, wanted, keys, out var profile))
        {
            var neighbours = new NeighbourLoad();
            using var standIn = weightBytes >= wanted ? null : new NativeBuffer(wanted);
            if (standIn is not null)
            {
                new Span<byte>(standIn.Data, checked((int)wanted)).Fill(KernelProbe.Filler);
            }

            MeasureMissing(model, kernels, lanes, standIn is null ? weights : standIn.Data, wanted, needed);
            _ = TryRecall(model, kernels, lanes, wanted, keys, out profile);
            if (path is not null && (cache!.KeepAlways || neighbours.WasQuiet))
            {
                _ = ProfileFile.TryWrite(path, profile!, keys, DateTimeOffset.UtcNow);
            }
        }

        return profile!;
    }

    private static void MeasureMissing(
        CompiledModel model, KernelTable kernels, int lanes, byte* memory, long bytes, Dictionary<KernelKey, (StreamProgram Program, Instruction Instruction)> needed)
    {
        using var probe = new KernelProbe(model, kernels);
        using var pool = new LanePool(lanes, probe.ScratchBytes, probe.Tick);
        var stream = new StreamProbe(pool, probe, memory, bytes);
        LaneMeter.Settle(pool);
        if (!Bandwidths.ContainsKey((lanes, bytes)))
        {
            Bandwidths.TryAdd((lanes, bytes), LaneMeter.ReadBandwidth(pool, memory, bytes));
        }

        // Twice, some time apart: what disturbs one measurement, such as the runtime's own compiler, is mostly over at the other. Probes remember fastest times.
        var missing = needed.Where(n => !KernelTimes.ContainsKey(IdOf(model, kernels, lanes, bytes, n.Key))).ToList();
        foreach (var (_, (program, instruction)) in missing)
        {
            _ = Time(program, instruction, probe, stream);
        }

        foreach (var (key, (program, instruction)) in missing)
        {
            KernelTimes[IdOf(model, kernels, lanes, bytes, key)] = Time(program, instruction, probe, stream);
        }

        LaneTimes.GetOrAdd(lanes, _ => LaneMeter.Synchronisation(pool));
    }

    private static KernelTime Time(StreamProgram program, Instruction instruction, KernelProbe probe, StreamProbe stream)
    {
        var time = probe.Measure(program, instruction);
        var key = KernelKey.Of(program, instruction);
        if (!key.IsMatrix)
        {
            return time;
        }

        // Of the rows that took part, all but the first found the weights in a cache.
        int rows = Math.Max(1, key.KernelFrom);
        return time with { FirstFromMemory = Math.Max(0, (stream.Measure(program, instruction) * rows) - (time.Next * (rows - 1))) };
    }

    private static bool TryRecall(CompiledModel model, KernelTable kernels, int lanes, long bytes, IEnumerable<KernelKey> keys, out MachineProfile? profile)
    {
        profile = null;
        if (!LaneTimes.TryGetValue(lanes, out var synchronisation) || !Bandwidths.TryGetValue((lanes, bytes), out double bandwidth))
        {
            return false;
        }

        var times = new Dictionary<KernelKey, KernelTime>();
        foreach (var key in keys)
        {
            if (!KernelTimes.TryGetValue(IdOf(model, kernels, lanes, bytes, key), out var time))
            {
                return false;
            }

            times.Add(key, time);
        }

        profile = new MachineProfile
        {
            ReadBandwidth = bandwidth, Barrier = synchronisation.Barrier, TickOverhead = synchronisation.Overhead, Kernels = times, IsMeasured = true,
        };
        return true;
    }

    private static KernelId IdOf(CompiledModel model, KernelTable kernels, int lanes, long bytes, KernelKey key)
    {
        bool isMatrix = key.IsMatrix;
        return new KernelId(key, kernels.Isa, model.Info.Activations, model.Info.Kv, isMatrix ? lanes : 0, isMatrix ? bytes : 0);
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
