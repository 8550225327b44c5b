namespace LlmServe.Cpu.Memory;

/// <summary>What a group of layers needs of memory.</summary>
/// <param name="BlockBytes">Bytes of a block of keys and values, all layers of the group.</param>
/// <param name="MostPerSequence">Blocks that a sequence can need at once, where not every position is seen; 0: as many as it has positions for.</param>
internal sealed record KvGroupDemand(long BlockBytes, int MostPerSequence = 0);
