using LlmServe.Compiler.Printing;
using LlmServe.Execution;

namespace LlmServe.Cpu.Memory;

/// <summary>How much memory keys and values get: what is asked for, or else what makes sense and fits; refused where that cannot be.</summary>
/// <param name="Blocks">Blocks of <see cref="KvBlock.Positions"/> positions of each group. [groups]</param>
/// <param name="Warnings">What people should know of it, one sentence each.</param>
internal sealed record KvPlan(IReadOnlyList<int> Blocks, IReadOnlyList<string> Warnings)
{
    /// <summary>Positions of a short sequence: as many as the default has room for beside a full context, and the least to serve with.</summary>
    private const int ShortSequence = 512;

    /// <summary>What the process takes beside weights, keys and values: the runtime, requests, scratch.</summary>
    private const long Reserve = 128L << 20;

    private static long _promised;

    /// <summary>Plans for a model.</summary>
    /// <exception cref="InsufficientMemoryException">It does not fit; the message has both numbers.</exception>
    public static KvPlan Of(KvDemand demand, MachineMemory memory)
    {
        long context = BlocksFor(demand.ContextLength);
        long room = memory.Total - demand.WeightBytes - Reserve;
        long free = memory.Available - demand.WeightBytes - Reserve;
        long useful = context * demand.Sequences;
        string total = $"{memory.Owner} has {Figures.Memory(memory.Total)}, of which the weights take {Figures.Memory(demand.WeightBytes)}";
        Require(demand.AskedContext is not { } positions || demand.BytesOf(BlocksFor(positions)) <= room,
            $"a context of {demand.AskedContext} positions takes {Figures.Memory(demand.BytesOf(BlocksFor(demand.AskedContext ?? 0)))} of keys and values, and {total}; "
            + "ask for a shorter one (--context)");
        Require(demand.AskedBytes is not { } bytes || bytes <= room,
            $"{Figures.Memory(demand.AskedBytes ?? 0)} are asked for keys and values, and {total}; ask for less (--kv-memory)");

        long blocks = demand.AskedBytes is { } asked ? Math.Max(1, demand.BlocksIn(asked)) : Default(demand, context, demand.BlocksIn(free), demand.BlocksIn(free / 2));
        long least = Math.Min(context, BlocksFor(ShortSequence));
        Require(demand.AskedBytes is not null || blocks >= least,
            $"{memory.Owner} has {Figures.Memory(memory.Available)} available, too little for {Figures.Memory(demand.WeightBytes)} of weights and "
            + $"{Figures.Memory(demand.BytesOf(least))} of keys and values for {least * KvBlock.Positions} positions");
        blocks = Math.Clamp(blocks, 1, Math.Min(useful, int.MaxValue));
        return new KvPlan(demand.PerGroup(blocks), [.. Warn(demand, blocks, context, memory, free)]);
    }

    /// <summary>Counts memory that is promised to keys and values, which the system only notices when it is used; negative: it is given back.</summary>
    public static void Promise(long bytes) => Interlocked.Add(ref _promised, bytes);

    /// <summary>The memory of this machine, without what is promised already.</summary>
    public static MachineMemory Unpromised()
    {
        var memory = MachineMemory.Read();
        return memory with { Available = Math.Max(0, memory.Available - Interlocked.Read(ref _promised)) };
    }

    /// <summary>A full context and a short one for every sequence, but beyond the context no more than half of what is free.</summary>
    private static long Default(KvDemand demand, long context, long most, long half)
    {
        long wanted = context + (demand.Sequences * BlocksFor(ShortSequence));
        long blocks = Math.Min(wanted, Math.Max(Math.Min(context, most), half));
        return demand.AskedContext is null ? blocks : Math.Max(blocks, context);
    }

    private static IEnumerable<string> Warn(KvDemand demand, long blocks, long context, MachineMemory memory, long free)
    {
        if (demand.BytesOf(blocks) > free)
        {
            yield return $"keys and values may take {Figures.Memory(demand.BytesOf(blocks))} and the weights take {Figures.Memory(demand.WeightBytes)}, "
                + $"but only {Figures.Memory(memory.Available)} of {memory.Owner} are available now";
        }

        if (blocks < context)
        {
            yield return $"{Figures.Memory(demand.BytesOf(blocks))} for keys and values hold {blocks * KvBlock.Positions} positions, so a sequence has at most as many, "
                + $"not {demand.ContextLength}; that would take {Figures.Memory(demand.BytesOf(context))}";
        }
    }

    private static long BlocksFor(long positions) => (positions + KvBlock.Positions - 1) / KvBlock.Positions;

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new InsufficientMemoryException(message);
        }
    }
}
