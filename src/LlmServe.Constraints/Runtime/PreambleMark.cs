using System.Text;

namespace LlmServe.Constraints.Runtime;

/// <summary>How far a sequence is in its preamble.</summary>
/// <param name="Tokens">Tokens so far, those of the mark that begins it not counted.</param>
/// <param name="Matched">Bytes of the mark that is waited for with which the text ends.</param>
/// <param name="Space">Blanks and line breaks before the mark that begins it.</param>
/// <param name="IsBegun">Whether the mark that begins it has come.</param>
/// <param name="IsOver">Whether the mark that ends it has come, or there is no preamble.</param>
internal readonly record struct PreamblePlace(int Tokens, int Matched, int Space, bool IsBegun, bool IsOver);

/// <summary>The marks around a preamble, and after how many tokens the one that ends it is written without asking the model. Immutable.</summary>
internal sealed class PreambleMark
{
    /// <summary>Blanks and line breaks before the mark that begins a preamble, at most.</summary>
    public const int MostSpace = 2;

    private readonly byte[] _bytes;
    private readonly int[] _fallbacks; // [bytes] how much of the mark still matches where the next byte does not (Knuth, Morris and Pratt, 1977)
    private readonly int[] _token;     // the mark as a token, or empty
    private readonly byte[] _startBytes; // the mark that begins the preamble; both empty: it has begun
    private readonly int[] _startToken;
    private readonly int _most;

    /// <param name="preamble">The preamble.</param>
    public PreambleMark(ConstraintPreamble preamble)
    {
        (_token, _bytes) = Read(preamble.End, "ends");
        (_startToken, _startBytes) = preamble.Start is { } start ? Read(start, "begins") : ([], []);
        _most = preamble.MostTokens ?? int.MaxValue;
        _fallbacks = new int[_bytes.Length];
        for (int i = 1; i < _bytes.Length; i++)
        {
            _fallbacks[i] = Match(_fallbacks[i - 1], _bytes[i]);
        }
    }

    private bool HasStart => _startToken.Length > 0 || _startBytes.Length > 0;

    /// <summary>Whether the mark must be written now.</summary>
    public bool IsDue(in PreamblePlace place) => !place.IsOver && (place.IsBegun || !HasStart) && place.Tokens >= _most;

    /// <summary>The tokens that are left of the mark.</summary>
    public int[] Rest(in PreamblePlace place, RunDivider divider) => _token.Length > 0 ? _token : divider.Divide(_bytes.AsSpan(place.Matched), closed: true);

    /// <summary>The place after another token.</summary>
    public PreamblePlace After(in PreamblePlace place, int token, ReadOnlySpan<byte> bytes)
    {
        if (place.IsOver)
        {
            return place;
        }

        if (HasStart && !place.IsBegun)
        {
            return AfterStart(place, token, bytes);
        }

        int matched = place.Matched;
        bool isOver = _token.Length > 0 && token == _token[0];
        for (int i = 0; i < bytes.Length && !isOver && _bytes.Length > 0; i++)
        {
            matched = Match(matched, bytes[i]);
            isOver = matched == _bytes.Length;
        }

        return place with { Tokens = place.Tokens + 1, Matched = isOver ? 0 : matched, IsOver = isOver };
    }

    private static (int[] Token, byte[] Bytes) Read(ConstraintPart mark, string does) => mark switch
    {
        ConstraintPart.Token token => ([token.Id], []),
        ConstraintPart.Literal { Text.Length: > 0 } literal => ([], Encoding.UTF8.GetBytes(literal.Text)),
        _ => throw new ConstraintException("the preamble", $"the mark that {does} it must be a text that is not empty, or a token"),
    };

    private PreamblePlace AfterStart(in PreamblePlace place, int token, ReadOnlySpan<byte> bytes)
    {
        if (_startToken.Length > 0 && token == _startToken[0])
        {
            return place with { IsBegun = true };
        }

        var (matched, space) = (place.Matched, place.Space);
        for (int i = 0; i < bytes.Length; i++)
        {
            if (matched == 0 && bytes[i] is (byte)' ' or (byte)'\n' && space < MostSpace)
            {
                space++;
            }
            else if (matched == _startBytes.Length || bytes[i] != _startBytes[matched])
            {
                return place with { IsOver = true };
            }
            else if (++matched == _startBytes.Length)
            {
                // The token may hold more: it counts as none.
                return After(place with { Tokens = -1, Matched = 0, IsBegun = true }, token, bytes[(i + 1)..]);
            }
        }

        return bytes.Length == 0 ? place with { IsOver = true } : place with { Matched = matched, Space = space };
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
