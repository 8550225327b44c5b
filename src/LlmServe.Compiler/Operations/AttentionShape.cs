using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>What a layer's attention is (docs/numerics.md, "Attention").</summary>
public sealed record AttentionShape : Detail
{
    public required int QueryHeads { get; init; }

    public required int KeyHeads { get; init; }

    /// <summary>Elements of a query and of a key.</summary>
    public required int KeySize { get; init; }

    /// <summary>Elements of a value.</summary>
    public required int ValueSize { get; init; }

    /// <summary>Factor on scores.</summary>
    public required float Scale { get; init; }

    /// <summary>Which positions a row sees.</summary>
    public KvVisibility Visibility { get; init; }

    /// <summary>Scores stay below it; 0: they are not capped.</summary>
    public float SoftCap { get; init; }

    /// <summary>Whether each head has a sink.</summary>
    public bool HasSinks { get; init; }

    /// <summary>Whether values are the first elements of keys.</summary>
    public bool ValuesInKeys { get; init; }

    /// <summary>Query heads that share a key head.</summary>
    public int HeadsPerKeyHead => QueryHeads / KeyHeads;

    /// <summary>Most positions that a row sees; 0: all.</summary>
    public int MostPositions => Visibility.Window > 0 && Visibility.Chunk > 0
        ? Math.Min(Visibility.Window, Visibility.Chunk)
        : Visibility.Window + Visibility.Chunk;

    /// <summary>Bytes of a position in the cache.</summary>
    public int CacheRowBytes(KvElement element) => KeyHeads * (KvBlock.RowBytes(element, KeySize) + (ValuesInKeys ? 0 : KvBlock.RowBytes(element, ValueSize)));

    /// <summary>All but the factor and how far rows see.</summary>
    public override object? ForCost() => this with { Scale = 1, Visibility = KvVisibility.All };
}
