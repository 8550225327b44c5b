using System.Text;
using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization;

/// <summary>The tokens as a model file lists them, checked: what each spells, what it is, and, where it matters, its score.</summary>
internal sealed class Vocabulary
{
    internal const string TokensKey = "tokenizer.ggml.tokens";
    internal const string KindsKey = "tokenizer.ggml.token_type";
    internal const string ScoresKey = "tokenizer.ggml.scores";

    // Ids are packed with other numbers, and a merge looks at all bytes of what it makes; no real vocabulary comes near these.
    private const int MostTokens = 1 << 24;
    private const int LongestToken = 1 << 14;

    private readonly GgufStringArray _pieces;

    private Vocabulary(GgufStringArray pieces, TokenKind[] kinds)
    {
        _pieces = pieces;
        Kinds = kinds;
    }

    /// <summary>Number of tokens.</summary>
    public int Count => _pieces.Count;

    /// <summary>What is odd about the vocabulary without being wrong, one sentence each.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>[tokens] What each token is.</summary>
    public TokenKind[] Kinds { get; }

    /// <summary>Whether a token is a mark that no ordinary text may become, even if it spells it: a control token or the unknown one.</summary>
    public bool IsMark(int id) => Kinds[id] is TokenKind.Control or TokenKind.Unknown;

    /// <summary>The token as the file spells it, as bytes.</summary>
    public ReadOnlySpan<byte> PieceBytes(int id) => _pieces.BytesOf(id);

    /// <summary>The token as the file spells it; bytes that are not UTF-8 become U+FFFD.</summary>
    public string Piece(int id) => Encoding.UTF8.GetString(_pieces.BytesOf(id));

    /// <summary>Reads and checks tokens and their kinds.</summary>
    /// <exception cref="GgufException">No tokens, too many, or a list of kinds of another length or with unknown kinds.</exception>
    public static Vocabulary Read(GgufMetadata metadata)
    {
        if (!metadata.TryGetStringArray(TokensKey, out var pieces) || pieces.Count == 0)
        {
            throw TokenizerErrors.At(TokensKey, "no tokens", "the list of tokens; use a model file that includes its vocabulary");
        }

        if (pieces.Count > MostTokens)
        {
            throw TokenizerErrors.At(TokensKey, $"{pieces.Count} tokens", $"at most {MostTokens}");
        }

        for (int id = 0; id < pieces.Count; id++)
        {
            if (pieces.BytesOf(id).Length > LongestToken)
            {
                throw TokenizerErrors.At(TokensKey, $"{pieces.BytesOf(id).Length} bytes in token {id}", $"at most {LongestToken}");
            }
        }

        var kinds = new TokenKind[pieces.Count];
        Array.Fill(kinds, TokenKind.Normal);
        if (metadata.TryGetInt32s(KindsKey, out int[]? numbers))
        {
            CheckLength(KindsKey, numbers.Length, pieces.Count);
            for (int id = 0; id < numbers.Length; id++)
            {
                // 0 is GGUF's "undefined"; such tokens are fillers.
                kinds[id] = numbers[id] is >= 0 and <= 6
                    ? numbers[id] == 0 ? TokenKind.Unused : (TokenKind)numbers[id]
                    : throw TokenizerErrors.At(KindsKey, $"{numbers[id]} for token {id}", "0 to 6");
            }
        }

        return new Vocabulary(pieces, kinds);
    }

    /// <summary>[tokens] The scores, which SentencePiece vocabularies merge by.</summary>
    /// <exception cref="GgufException">They are absent, not as many as tokens, or not numbers.</exception>
    public float[] ReadScores(GgufMetadata metadata)
    {
        if (!metadata.TryGetSingles(ScoresKey, out float[]? scores))
        {
            throw TokenizerErrors.At(ScoresKey, "nothing", $"one score for each of the {Count} tokens, since merges follow them");
        }

        CheckLength(ScoresKey, scores.Length, Count);
        int bad = Array.FindIndex(scores, float.IsNaN);
        return bad < 0 ? scores : throw TokenizerErrors.At(ScoresKey, $"NaN for token {bad}", "numbers");
    }

    private static void CheckLength(string key, int found, int tokens)
    {
        if (found != tokens)
        {
            throw TokenizerErrors.At(key, $"{found} entries", $"{tokens}, one for each entry of {TokensKey}");
        }
    }
}
