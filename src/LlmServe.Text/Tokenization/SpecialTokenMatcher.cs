using System.Buffers;

namespace LlmServe.Text.Tokenization;

/// <summary>Finds tokens that are written out in a text: the leftmost, and of several at one place the longest.</summary>
internal sealed class SpecialTokenMatcher
{
    private readonly TokenKind[] _kinds;
    private readonly SearchValues<char> _first;
    private readonly TokenTrie _trie = new(); // by UTF-16 units

    /// <param name="vocabulary">Whose tokens.</param>
    public SpecialTokenMatcher(Vocabulary vocabulary)
    {
        _kinds = vocabulary.Kinds;
        var first = new HashSet<char>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            string piece = _kinds[id] is TokenKind.UserDefined or TokenKind.Control or TokenKind.Unknown ? vocabulary.Piece(id) : "";
            if (piece.Length > 0)
            {
                first.Add(piece[0]);
                _trie.Add(piece.AsSpan(), id);
            }
        }

        _first = SearchValues.Create([.. first]);
    }

    /// <summary>Finds the first token in a text: a user-defined one anywhere, any other one only outside of literal stretches.</summary>
    /// <param name="text">What is left of the text.</param>
    /// <param name="offset">Where that begins in the whole text.</param>
    /// <param name="literal">The whole text's literal stretches.</param>
    /// <param name="length">UTF-16 units of the token.</param>
    /// <param name="id">The token, or −1.</param>
    /// <returns>Where it begins; the text's length where there is none.</returns>
    public int Find(ReadOnlySpan<char> text, int offset, ref LiteralSpans literal, out int length, out int id)
    {
        for (int at = 0; at < text.Length; at++)
        {
            int candidate = text[at..].IndexOfAny(_first);
            if (candidate < 0)
            {
                break;
            }

            at += candidate;
            id = LongestAt(text[at..], literal.RoomAt(offset + at), out length);
            if (id >= 0)
            {
                return at;
            }
        }

        (length, id) = (0, -1);
        return text.Length;
    }

    private int LongestAt(ReadOnlySpan<char> text, int room, out int length)
    {
        int id = -1;
        int node = TokenTrie.Root;
        length = 0;
        for (int i = 0; i < text.Length && _trie.TryStep(ref node, text[i], out int token); i++)
        {
            if (token >= 0 && (i < room || _kinds[token] == TokenKind.UserDefined))
            {
                id = token;
                length = i + 1;
            }
        }

        return id;
    }
}
