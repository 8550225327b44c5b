namespace LlmServe.Execution;

/// <summary>Layers that keep keys and values of the same positions: they share block tables.</summary>
/// <param name="Layers">How many layers.</param>
/// <param name="Blocks">Blocks of <see cref="KvBlock.Positions"/> positions that exist; ids are 0 … Blocks − 1.</param>
/// <param name="BlockBytes">Bytes of one block, all layers of the group.</param>
/// <param name="Visibility">Which positions a row sees.</param>
public sealed record KvGroup(int Layers, int Blocks, long BlockBytes, KvVisibility Visibility)
{
    /// <summary>Bytes of all blocks.</summary>
    public long Bytes => Blocks * BlockBytes;
}
