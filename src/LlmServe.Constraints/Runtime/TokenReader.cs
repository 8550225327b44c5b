using LlmServe.Text;

namespace LlmServe.Constraints.Runtime;

/// <summary>Reads whole tokens. Not thread-safe.</summary>
/// <param name="constraint">What they must satisfy.</param>
internal sealed class TokenReader(TokenConstraint constraint)
{
    private readonly ITokenizer _tokenizer = constraint.Vocabulary.Tokenizer;

    /// <summary>Reads bytes.</summary>
    public ByteReader Bytes { get; } = new(constraint.Automaton);

    private StackMachine Machine => Bytes.Machine;

    /// <summary>Reads a token.</summary>
    /// <param name="place">The place; afterwards the one behind the token, with the machine's last configuration.</param>
    /// <param name="token">The token.</param>
    /// <returns>False, and the place is of no use, if the token cannot come. What was taken of the machine is for the caller to give back.</returns>
    public bool TryRead(ref CursorPlace place, int token)
    {
        var preamble = PreambleAfter(place.Preamble, token);
        var named = Machine.StepToken(place.Here, token);
        var read = place;
        if (!IsText(token) || !TryReadText(ref read, _tokenizer.BytesOf(token)))
        {
            place = place with { Here = named.IsDead ? named : Machine.MoveTo(named, named.Begin), Preamble = preamble };
            return !named.IsDead;
        }

        place = read with { Here = named.IsDead ? read.Here : Machine.Join(named, read.Here), Preamble = preamble };
        return true;
    }

    private bool TryReadText(ref CursorPlace place, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (!Bytes.TryRead(ref place, value))
            {
                return false;
            }
        }

        return !Bytes.IsNameExhausted(place);
    }

    /// <summary>Whether a token is its bytes here, and not only its id.</summary>
    private bool IsText(int token) => VocabularyTrie.IsText(_tokenizer, token) && Array.BinarySearch(constraint.NotText, token) < 0;

    private PreamblePlace PreambleAfter(in PreamblePlace place, int token) =>
        constraint.Preamble is { } preamble ? preamble.After(place, token, IsText(token) ? _tokenizer.BytesOf(token) : []) : default;
}
