namespace LlmServe.Constraints.Runtime;

/// <summary>
/// What a state allows of the vocabulary as far as that does not depend on what lies below it on the stack: tokens, as ids or as bits, whichever is
/// smaller; and the nodes of the vocabulary at which the rule has ended and what lies below goes on.
/// </summary>
internal sealed class TokenSet
{
    private readonly int[]? _ids;
    private readonly ulong[]? _bits;

    /// <param name="tokens">The tokens.</param>
    /// <param name="exits">The nodes.</param>
    /// <param name="vocabularySize">Number of ids.</param>
    public TokenSet(ReadOnlySpan<int> tokens, ReadOnlySpan<int> exits, int vocabularySize)
    {
        Exits = exits.ToArray();
        if (tokens.Length * 4 <= vocabularySize / 8)
        {
            _ids = tokens.ToArray();
            return;
        }

        _bits = new ulong[(vocabularySize + 63) / 64];
        foreach (int token in tokens)
        {
            _bits[token >> 6] |= 1UL << token;
        }
    }

    /// <summary>Nodes of the vocabulary at which the rule has ended.</summary>
    public int[] Exits { get; }

    /// <summary>Memory in bytes.</summary>
    public long Bytes => 64 + 4L * Exits.Length + 4L * (_ids?.Length ?? 0) + 8L * (_bits?.Length ?? 0);

    /// <summary>Adds the tokens to a mask.</summary>
    public void AddTo(Span<ulong> mask)
    {
        if (_bits is null)
        {
            foreach (int token in _ids!)
            {
                mask[token >> 6] |= 1UL << token;
            }

            return;
        }

        for (int i = 0; i < _bits.Length; i++)
        {
            mask[i] |= _bits[i];
        }
    }
}
