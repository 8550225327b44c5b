using System.Buffers;

namespace LlmServe.Text.Tokenization;

/// <summary>Finds tokens that are written out in a text: the leftmost, and of several at one place the longest.</summary>
internal sealed class SpecialTokenMatcher
{
    private readonly SearchValues<char> _first;
    private readonly TokenTrie _trie = new(); // by UTF-16 units

    /// <param name="vocabulary">Whose tokens.</param>
    /// <param name="kinds">Which tokens to find.</param>
    public SpecialTokenMatcher(Vocabulary vocabulary, params ReadOnlySpan<TokenKind> kinds)
    {
        var first = new HashSet<char>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            string piece = kinds.Contains(vocabulary.Kinds[id]) ? vocabulary.Piece(id) : "";
            if (piece.Length > 0)
            {
                first.Add(piece[0]);
                _trie.Add(piece.AsSpan(), id);
            }
        }

        _first = SearchValues.Create([.. first]);
    }

    /// <summary>Finds the first token in a text.</summary>
    /// <returns>Where it begins; the text's length where there is none, and then <paramref name="id"/> is −1.</returns>
    public int Find(ReadOnlySpan<char> text, out int length, out int id)
    {
        for (int at = 0; at < text.Length; at++)
        {
            int candidate = text[at..].IndexOfAny(_first);
            if (candidate < 0)
            {
                break;
            }

            at += candidate;
            id = LongestAt(text[at..], out length);
            if (id >= 0)
            {
                return at;
            }
        }

        (length, id) = (0, -1);
        return text.Length;
    }

    private int LongestAt(ReadOnlySpan<char> text, out int length)
    {
        int id = -1;
        int node = TokenTrie.Root;
        length = 0;
        for (int i = 0; i < text.Length && _trie.TryStep(ref node, text[i], out int token); i++)
        {
            if (token >= 0)
            {
                id = token;
                length = i + 1;
            }
        }

        return id;
    }
}
