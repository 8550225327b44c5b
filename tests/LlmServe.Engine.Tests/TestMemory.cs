using LlmServe.Engine.Memory;
using LlmServe.Execution;

namespace LlmServe.Engine.Tests;

/// <summary>A machine's memory without a machine.</summary>
internal sealed record TestMemory(IReadOnlyList<KvGroup> KvGroups, IStateMemory? States = null) : ISequenceMemory
{
    /// <summary>One group whose rows see everything.</summary>
    public static SequenceMemory OneGroup(RowTable rows, int blocks, bool prefixCache) =>
        new(rows, new TestMemory([new KvGroup(1, blocks, 1, KvVisibility.All)]), prefixCache, mostAhead: rows.BlocksPerSlot * KvBlock.Positions);
}
