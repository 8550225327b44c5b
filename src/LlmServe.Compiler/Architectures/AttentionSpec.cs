using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Execution;

namespace LlmServe.Compiler.Architectures;

/// <summary>The attention of a layer.</summary>
internal sealed record AttentionSpec
{
    /// <summary>Heads, sizes, scale, and which positions are seen.</summary>
    public required AttentionShape Shape { get; init; }

    /// <summary>How queries and keys are rotated; null: not at all.</summary>
    public RopeAngles? Rope { get; init; }

    /// <summary>Which elements form pairs.</summary>
    public RopePairing Pairing { get; init; }

    /// <summary>How queries and keys are normalised; null: not at all.</summary>
    public QueryKeyNorm? Norm { get; init; }

    /// <summary>Queries, keys and values are kept between −this and this; 0: as they are.</summary>
    public float Clamp { get; init; }

    /// <summary>Whether the output projection may have a bias. Those to queries, keys and values may in every family.</summary>
    public bool HasOutputBias { get; init; }

    /// <summary>The same over the positions that a layer sees.</summary>
    public AttentionSpec Seeing(KvVisibility visibility) => this with { Shape = Shape with { Visibility = visibility } };

    /// <summary>What a model whose layers are alike says.</summary>
    public static AttentionSpec Read(ModelSource source, ModelShape shape, RopePairing pairing)
    {
        var attention = ShapeReader.ReadAttention(source, shape);
        return new AttentionSpec { Shape = attention, Pairing = pairing, Rope = RopeReader.Read(source, RopeReader.ReadRotated(source, attention.KeySize)) };
    }
}
