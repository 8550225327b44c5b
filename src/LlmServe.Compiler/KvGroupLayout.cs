using LlmServe.Compiler.Graph;
using LlmServe.Execution;

namespace LlmServe.Compiler;

/// <summary>Caches of layers whose rows see the same positions: a block holds 32 positions of all of them.</summary>
/// <param name="Visibility">Which positions rows see.</param>
/// <param name="Caches">The caches, in the order of layers.</param>
public sealed record KvGroupLayout(KvVisibility Visibility, IReadOnlyList<LayerCache> Caches)
{
    /// <summary>Bytes of a block.</summary>
    public long BlockBytes(KvElement element) => Caches.Sum(cache => (long)cache.RowBytes(element)) * KvBlock.Positions;
}
