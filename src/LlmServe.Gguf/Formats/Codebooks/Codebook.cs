namespace LlmServe.Gguf.Formats.Codebooks;

/// <summary>The points that a codebook format chooses from. Origin and licence: README.md in this folder.</summary>
internal sealed unsafe class Codebook
{
    /// <summary>IQ1_S and IQ1_M: 2048 entries of eight codes −1, 0, 1, of which a weight is eight times one, plus or minus 1.</summary>
    public static readonly Codebook Iq1 = new("iq1.bin", 8, code => (sbyte)((code + 4) >> 3));

    /// <summary>IQ2_XXS: 256 entries of eight magnitudes 8, 25, 43.</summary>
    public static readonly Codebook Iq2Xxs = new("iq2xxs.bin", 8, Math.Abs);

    /// <summary>IQ2_XS: 512 entries of the same.</summary>
    public static readonly Codebook Iq2Xs = new("iq2xs.bin", 8, Math.Abs);

    /// <summary>IQ2_S: 1024 entries of the same.</summary>
    public static readonly Codebook Iq2S = new("iq2s.bin", 8, Math.Abs);

    /// <summary>IQ3_XXS: 256 entries of four magnitudes 4, 12, …, 52, 62, twice what weights hold.</summary>
    public static readonly Codebook Iq3Xxs = new("iq3xxs.bin", 4, code => (sbyte)(2 * Math.Abs(code)));

    /// <summary>IQ3_S: 512 entries of four magnitudes 1, 3, …, 15.</summary>
    public static readonly Codebook Iq3S = new("iq3s.bin", 4, Math.Abs);

    private readonly sbyte[] _codes; // [entries, width]
    private readonly Func<sbyte, sbyte> _entryOf;
    private readonly Lazy<Dictionary<ulong, int>> _indexes;

    private Codebook(string resource, int width, Func<sbyte, sbyte> entryOf)
    {
        using var stream = typeof(Codebook).Assembly.GetManifestResourceStream(resource) ?? throw new InvalidOperationException($"{resource} is missing");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        _codes = Array.ConvertAll(bytes, code => (sbyte)code);
        _entryOf = entryOf;
        Width = width;
        _indexes = new(() => Enumerable.Range(0, Count).ToDictionary(i => KeyOf(this[i])));
    }

    /// <summary>Codes of an entry: 8 or 4.</summary>
    public int Width { get; }

    /// <summary>Entries.</summary>
    public int Count => _codes.Length / Width;

    /// <summary>The codes of an entry. [Width]</summary>
    public ReadOnlySpan<sbyte> this[int index] => _codes.AsSpan(index * Width, Width);

    /// <summary>The entry of as many codes of weights as it is wide, signs and shifts left aside.</summary>
    /// <exception cref="KeyNotFoundException">They are none.</exception>
    public int IndexOf(sbyte* codes)
    {
        Span<sbyte> entry = stackalloc sbyte[Width];
        for (int i = 0; i < Width; i++)
        {
            entry[i] = _entryOf(codes[i]);
        }

        return _indexes.Value[KeyOf(entry)];
    }

    /// <summary>Whether codes of IQ1 are shifted up (1) or down (−1).</summary>
    public static int ShiftOf(sbyte* codes) => (codes[0] & 7) == 1 ? 1 : -1;

    private static ulong KeyOf(ReadOnlySpan<sbyte> entry)
    {
        ulong key = 0;
        foreach (sbyte code in entry)
        {
            key = key << 8 | (byte)code;
        }

        return key;
    }
}
