using LlmServe.Compiler.Operations;
using LlmServe.Execution;

namespace LlmServe.Cpu.Execution;

/// <summary>A layer's attention as kernels need it. Unmanaged, so that they follow plain pointers.</summary>
internal unsafe struct LayerAttention
{
    /// <summary>Where keys and values lie.</summary>
    public CacheLayout Cache;

    public int QueryHeads;
    public int HeadsPerKeyHead;
    public float Scale;

    /// <summary>Scores stay below it; 0: they are not capped.</summary>
    public float SoftCap;

    /// <summary>Which positions a row sees.</summary>
    public KvVisibility Visibility;

    /// <summary>A score of each head without a value, or null. [QueryHeads]</summary>
    public float* Sinks;

    /// <summary>Elements of a query and a key.</summary>
    public readonly int KeySize => Cache.Keys.Size;

    /// <summary>Elements of a value.</summary>
    public readonly int ValueSize => Cache.Values.Size;

    /// <summary>Whether scores are nothing but scaled products.</summary>
    public readonly bool HasPlainScores => SoftCap == 0;

    /// <summary>The attention of a shape over a cache.</summary>
    public static LayerAttention Of(AttentionShape shape, in CacheLayout cache, float* sinks = null) => new()
    {
        Cache = cache,
        QueryHeads = shape.QueryHeads,
        HeadsPerKeyHead = shape.HeadsPerKeyHead,
        Scale = shape.Scale,
        SoftCap = shape.SoftCap,
        Visibility = shape.Visibility,
        Sinks = sinks,
    };
}
