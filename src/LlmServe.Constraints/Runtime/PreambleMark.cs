using System.Text;

namespace LlmServe.Constraints.Runtime;

/// <summary>How far a sequence is in its preamble.</summary>
/// <param name="Tokens">Tokens so far.</param>
/// <param name="Matched">Bytes of the mark with which the text ends.</param>
/// <param name="IsOver">Whether the mark has come.</param>
internal readonly record struct PreamblePlace(int Tokens, int Matched, bool IsOver);

/// <summary>The mark that ends a preamble, and after how many tokens it is written without asking the model. Immutable.</summary>
internal sealed class PreambleMark
{
    private readonly byte[] _bytes;
    private readonly int[] _fallbacks; // [bytes] how much of the mark still matches where the next byte does not (Knuth, Morris and Pratt, 1977)
    private readonly int[] _token;     // the mark as a token, or empty
    private readonly int _most;

    /// <param name="preamble">The preamble.</param>
    public PreambleMark(ConstraintPreamble preamble)
    {
        _token = preamble.End is ConstraintPart.Token token ? [token.Id] : [];
        _bytes = preamble.End is ConstraintPart.Literal literal ? Encoding.UTF8.GetBytes(literal.Text) : [];
        _most = preamble.MostTokens ?? int.MaxValue;
        if (_token.Length == 0 && _bytes.Length == 0)
        {
            throw new ConstraintException("the preamble", "the mark that ends it must be a text that is not empty, or a token");
        }

        _fallbacks = new int[_bytes.Length];
        for (int i = 1; i < _bytes.Length; i++)
        {
            _fallbacks[i] = Match(_fallbacks[i - 1], _bytes[i]);
        }
    }

    /// <summary>Whether the mark must be written now.</summary>
    public bool IsDue(in PreamblePlace place) => !place.IsOver && place.Tokens >= _most;

    /// <summary>The tokens that are left of the mark.</summary>
    public int[] Rest(in PreamblePlace place, RunDivider divider) => _token.Length > 0 ? _token : divider.Divide(_bytes.AsSpan(place.Matched), closed: true);

    /// <summary>The place after another token.</summary>
    public PreamblePlace After(in PreamblePlace place, int token, ReadOnlySpan<byte> bytes)
    {
        if (place.IsOver)
        {
            return place;
        }

        int matched = place.Matched;
        bool isOver = _token.Length > 0 && token == _token[0];
        for (int i = 0; i < bytes.Length && !isOver && _bytes.Length > 0; i++)
        {
            matched = Match(matched, bytes[i]);
            isOver = matched == _bytes.Length;
        }

        return new PreamblePlace(place.Tokens + 1, isOver ? 0 : matched, isOver);
    }

    private int Match(int matched, byte value)
    {
        while (matched > 0 && _bytes[matched] != value)
        {
            matched = _fallbacks[matched - 1];
        }

        return _bytes[matched] == value ? matched + 1 : 0;
    }
}
