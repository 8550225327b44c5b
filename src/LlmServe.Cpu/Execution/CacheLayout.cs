using LlmServe.Compiler.Graph;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>
/// Where a layer's keys and values lie: a block of its group holds for each layer [key head][keys, values][32 positions][size]. Values can be the first
/// elements of the keys.
/// </summary>
internal unsafe struct CacheLayout
{
    /// <summary>The layer's part of block 0.</summary>
    public byte* Data;

    /// <summary>From one block of the group to the next.</summary>
    public long BlockBytes;

    public int KeyHeads;
    public PanelLayout Keys;
    public PanelLayout Values;

    /// <summary>From a head's keys to its values.</summary>
    public int ValuesOffset;

    /// <summary>From one head to the next.</summary>
    public int HeadBytes;

    /// <summary>Blocks of each slot. [slots, BlocksPerSlot]</summary>
    public int* BlockTables;

    public int BlocksPerSlot;

    /// <summary>The layout of a layer's cache.</summary>
    /// <param name="cache">What is kept.</param>
    /// <param name="element">As what.</param>
    /// <param name="interleaves">Whether kernels want f16 interleaved where they can have it.</param>
    public static CacheLayout Of(LayerCache cache, KvElement element, bool interleaves)
    {
        var keys = PanelLayout.Of(element, cache.KeySize, interleaves);
        var values = PanelLayout.Of(element, cache.ValueSize, interleaves);
        if (cache.ValuesInKeys)
        {
            values = keys with { Size = cache.ValueSize };
        }

        return new CacheLayout
        {
            KeyHeads = cache.KeyHeads,
            Keys = keys,
            Values = values,
            ValuesOffset = cache.ValuesInKeys ? 0 : keys.Bytes,
            HeadBytes = keys.Bytes + (cache.ValuesInKeys ? 0 : values.Bytes),
        };
    }

    /// <summary>Bytes of the layer in a block.</summary>
    public readonly long LayerBytes => (long)KeyHeads * HeadBytes;

    /// <summary>The block table of a slot.</summary>
    public readonly int* Table(int slot) => BlockTables + ((nint)slot * BlocksPerSlot);

    /// <summary>The keys of a head in a block.</summary>
    public readonly byte* KeysOf(int block, int head) => Data + (block * BlockBytes) + ((nint)head * HeadBytes);
}
