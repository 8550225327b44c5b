using LlmServe.Compiler;
using LlmServe.Cpu.Memory;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>The keys and values of an executor's sequences: memory for each group, and where in it each layer's lie.</summary>
internal sealed unsafe class KvMemory : ISequenceMemory, IDisposable
{
    private readonly NativeBuffer[] _memory; // [groups]
    private readonly CacheLayout[] _caches; // [caches]
    private readonly long _bytes;

    /// <param name="model">What is kept.</param>
    /// <param name="blocks">Blocks of each group.</param>
    /// <param name="interleaves">Whether kernels want f16 interleaved.</param>
    public KvMemory(CompiledModel model, IReadOnlyList<int> blocks, bool interleaves)
    {
        KvGroups = [.. model.KvGroups.Select((g, i) => new KvGroup(g.Caches.Count, blocks[i], g.BlockBytes(model.Info.Kv), g.Visibility))];
        _memory = [.. KvGroups.Select(group => new NativeBuffer(group.Bytes))];
        _bytes = KvGroups.Sum(group => group.Bytes);
        KvPlan.Promise(_bytes);
        Layout = $"cpu 1 {model.Info.Kv} {(interleaves ? "interleaved" : "plain")}";
        _caches = new CacheLayout[model.Caches.Count];
        for (int g = 0; g < KvGroups.Count; g++)
        {
            byte* at = _memory[g].Data;
            foreach (var cache in model.KvGroups[g].Caches)
            {
                var layout = CacheLayout.Of(cache, model.Info.Kv, interleaves);
                layout.Data = at;
                layout.BlockBytes = KvGroups[g].BlockBytes;
                _caches[cache.Id] = layout;
                at += layout.LayerBytes;
            }
        }
    }

    public IReadOnlyList<KvGroup> KvGroups { get; }

    public IStateMemory? States => null;

    public string Layout { get; }

    /// <summary>The layouts of all caches over the block tables of a row table.</summary>
    /// <param name="model">Whose caches they are.</param>
    /// <param name="tables">Block tables of a group.</param>
    /// <param name="blocksPerSlot">Blocks that a slot can hold.</param>
    public IReadOnlyList<CacheLayout> LayoutsOver(CompiledModel model, Func<int, nint> tables, int blocksPerSlot)
    {
        var layouts = (CacheLayout[])_caches.Clone();
        for (int g = 0; g < model.KvGroups.Count; g++)
        {
            foreach (var cache in model.KvGroups[g].Caches)
            {
                layouts[cache.Id].BlockTables = (int*)tables(g);
                layouts[cache.Id].BlocksPerSlot = blocksPerSlot;
            }
        }

        return layouts;
    }

    public void CopyOut(int group, int block, Span<byte> bytes) => Block(group, block).CopyTo(bytes);

    public void CopyIn(int group, int block, ReadOnlySpan<byte> bytes) => bytes.CopyTo(Block(group, block));

    private Span<byte> Block(int group, int block) =>
        new(_memory[group].Data + (block * KvGroups[group].BlockBytes), checked((int)KvGroups[group].BlockBytes));

    public void Dispose()
    {
        foreach (var memory in _memory)
        {
            memory.Dispose();
        }

        KvPlan.Promise(-_bytes);
    }
}
