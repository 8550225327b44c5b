namespace LlmServe.Models;

/// <summary>The sizes of a model of the llama family.</summary>
/// <param name="Layers">Transformer blocks.</param>
/// <param name="Hidden">Width of the residual stream.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="KeyHeads">Key and value heads; divides <paramref name="Heads"/>.</param>
/// <param name="HeadSize">Columns of a head, an even number.</param>
/// <param name="FeedForward">Width between gate, up and down.</param>
/// <param name="Vocabulary">Tokens, at least <see cref="ByteVocabulary.LeastTokens"/>.</param>
/// <param name="Context">Most positions of a sequence.</param>
/// <param name="RopeBase">Base of the rotary frequencies.</param>
/// <param name="Tied">Whether the embedding is the output matrix too.</param>
internal sealed record ModelDimensions(
    int Layers, int Hidden, int Heads, int KeyHeads, int HeadSize, int FeedForward, int Vocabulary, int Context, float RopeBase, bool Tied)
{
    private const int LargestSize = 1 << 20;

    /// <summary>Shapes with a name: the embedded model's, Llama-3.2-1B's, and one that is written and run in an instant.</summary>
    public static IReadOnlyDictionary<string, ModelDimensions> Named { get; } = new Dictionary<string, ModelDimensions>(StringComparer.OrdinalIgnoreCase)
    {
        ["tiny"] = new(2, 256, 4, 2, 64, 512, 512, 1024, 10_000, true),
        ["135m"] = new(30, 576, 9, 3, 64, 1536, 49_152, 8192, 100_000, true),
        ["1b"] = new(16, 2048, 32, 8, 64, 8192, 128_256, 8192, 500_000, true),
    };

    /// <summary>Weights of all matrices.</summary>
    public long MatrixWeights
    {
        get
        {
            long attention = 2L * Hidden * HeadSize * (Heads + KeyHeads);
            long feedForward = 3L * Hidden * FeedForward;
            return (Layers * (attention + feedForward)) + ((long)Vocabulary * Hidden * (Tied ? 1 : 2));
        }
    }

    /// <summary>Why these sizes make no model, or null where they do.</summary>
    public string? Problem()
    {
        foreach (var (name, size) in Sizes())
        {
            if (size is < 1 or > LargestSize)
            {
                return $"{name} is {size}; allowed is 1 to {LargestSize}";
            }
        }

        return Heads % KeyHeads != 0 ? $"--heads {Heads} is no multiple of --kv-heads {KeyHeads}"
            : HeadSize % 2 != 0 ? $"--head-size is {HeadSize}; it must be even, since rotary positions turn pairs"
            : Vocabulary < ByteVocabulary.LeastTokens ? $"--vocabulary is {Vocabulary}; the bytes and special tokens alone need {ByteVocabulary.LeastTokens}"
            : !float.IsFinite(RopeBase) || RopeBase <= 1 ? $"--rope-base is {RopeBase}; it must be above 1"
            : null;
    }

    private IEnumerable<(string Option, int Size)> Sizes() =>
    [
        ("--layers", Layers), ("--hidden", Hidden), ("--heads", Heads), ("--kv-heads", KeyHeads), ("--head-size", HeadSize),
        ("--ffn", FeedForward), ("--vocabulary", Vocabulary), ("--context", Context),
    ];
}
