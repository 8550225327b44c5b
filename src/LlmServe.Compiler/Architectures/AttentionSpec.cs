using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;

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

    /// <summary>What a model whose layers are alike says.</summary>
    public static AttentionSpec Read(ModelSource source, ModelShape shape, RopePairing pairing)
    {
        var attention = ShapeReader.ReadAttention(source, shape);
        return new AttentionSpec { Shape = attention, Pairing = pairing, Rope = RopeReader.Read(source, RopeReader.ReadRotated(source, attention.KeySize)) };
    }
}
