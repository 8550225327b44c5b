using LlmServe.Execution;

namespace LlmServe.Cpu.Memory;

/// <summary>What a model needs of memory, and what was asked for.</summary>
/// <param name="Groups">The groups of layers that keep keys and values of the same positions.</param>
/// <param name="ContextLength">Most positions of a sequence.</param>
/// <param name="Sequences">Most sequences at once.</param>
/// <param name="WeightBytes">Bytes of the weights.</param>
/// <param name="AskedBytes">Bytes for keys and values that were asked for; null: as many as make sense.</param>
/// <param name="AskedContext">Context that was asked for, which may be longer than the model's; null: the model's.</param>
internal sealed record KvDemand(
    IReadOnlyList<KvGroupDemand> Groups, int ContextLength, int Sequences, long WeightBytes, long? AskedBytes, int? AskedContext)
{
    /// <summary>Blocks of each group where there are <paramref name="blocks"/> for positions of which every one is seen. [groups]</summary>
    public IReadOnlyList<int> PerGroup(long blocks) => [.. Groups.Select(group => (int)BlocksOf(group, blocks))];

    /// <summary>Bytes of that many blocks.</summary>
    public long BytesOf(long blocks) => Groups.Sum(group => BlocksOf(group, blocks) * group.BlockBytes);

    /// <summary>The most blocks that so many bytes hold; 0: less than one.</summary>
    public long BlocksIn(long bytes)
    {
        long least = 0, most = int.MaxValue;
        while (least < most)
        {
            long middle = (least + most + 1) / 2;
            (least, most) = BytesOf(middle) <= bytes ? (middle, most) : (least, middle - 1);
        }

        return least;
    }

    /// <summary>A group with a window has as many as there are positions, but no more than its sequences can use, and no less than one can.</summary>
    private long BlocksOf(KvGroupDemand group, long blocks)
    {
        if (group.MostPerSequence == 0)
        {
            return blocks;
        }

        long one = Math.Min(group.MostPerSequence, KvBlock.CountFor(ContextLength));
        return Math.Clamp(blocks, one, one * Sequences);
    }
}
