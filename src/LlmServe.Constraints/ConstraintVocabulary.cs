using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Runtime;
using LlmServe.Text;

namespace LlmServe.Constraints;

/// <summary>A tokenizer's vocabulary, laid out for constraints. Made once per model; immutable and safe to share between threads.</summary>
public sealed class ConstraintVocabulary
{
    private readonly Lazy<Dictionary<string, int>> _byPiece;

    /// <param name="tokenizer">Whose vocabulary.</param>
    public ConstraintVocabulary(ITokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        Tokenizer = tokenizer;
        Trie = new VocabularyTrie(tokenizer);
        EndTokens = [.. tokenizer.EndOfGenerationIds.Where(id => id >= 0 && id < tokenizer.VocabularySize).Order()];
        Units = UnitTable.OfBytes(Trie.Usable);
        Quotes = new QuoteLists(tokenizer);
        _byPiece = new Lazy<Dictionary<string, int>>(Pieces);
    }

    /// <summary>Number of token ids.</summary>
    public int Size => Tokenizer.VocabularySize;

    /// <summary>Words of 64 bits in a mask.</summary>
    public int MaskLength => (Size + 63) / 64;

    internal ITokenizer Tokenizer { get; }

    internal VocabularyTrie Trie { get; }

    internal int[] EndTokens { get; }

    /// <summary>[<see cref="CountedUnit"/>] How characters of JSON strings can be written with this vocabulary.</summary>
    internal UnitTable[] Units { get; }

    /// <summary>Tokens with quotes in them.</summary>
    internal QuoteLists Quotes { get; }

    /// <summary>What counts of characters allow; the same for all rules.</summary>
    internal CountedSets CountedSets { get; } = new();

    /// <summary>The token that the vocabulary spells in this way; null if there is none.</summary>
    public int? FindToken(string piece) => _byPiece.Value.TryGetValue(piece, out int id) ? id : null;

    private Dictionary<string, int> Pieces()
    {
        var pieces = new Dictionary<string, int>(Size);
        for (int id = 0; id < Size; id++)
        {
            pieces.TryAdd(Tokenizer.PieceOf(id), id);
        }

        return pieces;
    }
}
