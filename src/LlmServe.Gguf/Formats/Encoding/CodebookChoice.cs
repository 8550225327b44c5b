using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>How a codebook format's scales are searched for; the figures are those of GGML's own encoders.</summary>
/// <param name="Codebook">The magnitudes that groups of 8 or 4 weights choose from.</param>
/// <param name="SubBlock">Weights that share a scale: 16 or 32.</param>
/// <param name="Shells">Distances from a pattern within which entries are tried.</param>
/// <param name="Tries">Scales tried on either side of the one that reaches the largest weight.</param>
/// <param name="Step">What a try changes the largest code by.</param>
/// <param name="HasParity">Whether the signs of eight weights must have an even number of negative ones.</param>
/// <param name="Zero">Largest weight of a sub-block that counts as zero.</param>
internal sealed record CodebookChoice(Codebook Codebook, int SubBlock, int Shells, int Tries, float Step, bool HasParity, float Zero)
{
    private readonly Lazy<CodebookMap> _map = new(() => new CodebookMap(Codebook, Shells));

    /// <summary>Entries by patterns.</summary>
    public CodebookMap Map => _map.Value;

    /// <summary>The choice for a format.</summary>
    public static CodebookChoice Of(GgmlType type) => type switch
    {
        GgmlType.IQ2_XXS => Iq2Xxs,
        GgmlType.IQ2_XS => Iq2Xs,
        GgmlType.IQ2_S => Iq2S,
        GgmlType.IQ3_XXS => Iq3Xxs,
        GgmlType.IQ3_S => Iq3S,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no codebook format with magnitudes"),
    };

    private static readonly CodebookChoice Iq2Xxs = new(Codebook.Iq2Xxs, 32, 2, 6, 0.1f, true, 1e-15f);
    private static readonly CodebookChoice Iq2Xs = new(Codebook.Iq2Xs, 16, 2, 9, 0.1f, true, 1e-15f);
    private static readonly CodebookChoice Iq2S = new(Codebook.Iq2S, 16, 1, 9, 0.1f, false, 1e-8f);
    private static readonly CodebookChoice Iq3Xxs = new(Codebook.Iq3Xxs, 32, 2, 15, 0.2f, true, 1e-8f);
    private static readonly CodebookChoice Iq3S = new(Codebook.Iq3S, 32, 3, 9, 0.2f, false, 0);
}
