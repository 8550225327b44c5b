namespace LlmServe.Gguf.Formats.Codebooks;

/// <summary>The points that a codebook format chooses from. Origin and licence: README.md in this folder.</summary>
internal sealed class Codebook
{
    /// <summary>IQ1_S and IQ1_M: 2048 entries of eight codes −1, 0, 1.</summary>
    public static readonly Codebook Iq1 = new("iq1.bin", 8);

    /// <summary>IQ2_XXS: 256 entries of eight magnitudes 8, 25, 43.</summary>
    public static readonly Codebook Iq2Xxs = new("iq2xxs.bin", 8);

    /// <summary>IQ2_XS: 512 entries of the same.</summary>
    public static readonly Codebook Iq2Xs = new("iq2xs.bin", 8);

    /// <summary>IQ2_S: 1024 entries of the same.</summary>
    public static readonly Codebook Iq2S = new("iq2s.bin", 8);

    /// <summary>IQ3_XXS: 256 entries of four magnitudes 4, 12, …, 52, 62.</summary>
    public static readonly Codebook Iq3Xxs = new("iq3xxs.bin", 4);

    /// <summary>IQ3_S: 512 entries of four magnitudes 1, 3, …, 15.</summary>
    public static readonly Codebook Iq3S = new("iq3s.bin", 4);

    private readonly sbyte[] _codes; // [entries, width]

    private Codebook(string resource, int width)
    {
        using var stream = typeof(Codebook).Assembly.GetManifestResourceStream(resource) ?? throw new InvalidOperationException($"{resource} is missing");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        _codes = Array.ConvertAll(bytes, code => (sbyte)code);
        Width = width;
    }

    /// <summary>Codes of an entry: 8 or 4.</summary>
    public int Width { get; }

    /// <summary>Entries.</summary>
    public int Count => _codes.Length / Width;

    /// <summary>The codes of an entry. [Width]</summary>
    public ReadOnlySpan<sbyte> this[int index] => _codes.AsSpan(index * Width, Width);
}
