using System.Numerics;

namespace LlmServe.Engine.Speculation;

/// <summary>
/// Guesses the next tokens of one sequence from its own past: where its last few tokens stood before, what followed them then. Code, quotations and
/// summaries repeat themselves enough for this to pay. Every pair of tokens is indexed by where it ends, newest first, so that a search looks at a
/// few places however long the text is. Nothing is allocated after construction.
/// </summary>
internal sealed class PromptLookup
{
    /// <summary>Fewest tokens that must agree.</summary>
    public const int ShortestMatch = 2;

    /// <summary>Tokens after which a match is not measured further.</summary>
    public const int LongestMatch = 32;

    /// <summary>Earlier places that a search compares.</summary>
    private const int Candidates = 24;

    private const int MostHeads = 1 << 16;

    private readonly int[] _heads; // [power of two]; newest place whose pair has this hash, plus 1; 0: none
    private readonly int[] _older; // [capacity]; the place before a place, plus 1
    private readonly int _shift;
    private int _indexed = 1;

    /// <param name="capacity">Most tokens of the sequence.</param>
    public PromptLookup(int capacity)
    {
        int heads = (int)Math.Min(MostHeads, BitOperations.RoundUpToPowerOf2((uint)Math.Max(capacity, 64)));
        _heads = new int[heads];
        _older = GC.AllocateUninitializedArray<int>(capacity); // written before it is read; pages are taken as tokens come
        _shift = 32 - BitOperations.Log2((uint)heads);
    }

    /// <summary>Forgets all tokens.</summary>
    public void Clear()
    {
        if (_indexed > 1)
        {
            Array.Clear(_heads);
            _indexed = 1;
        }
    }

    /// <summary>Finds the longest earlier occurrence of the end of <paramref name="tokens"/>, the most recent of equally long ones.</summary>
    /// <param name="tokens">Prompt and answer so far; what an earlier call saw of them has not changed.</param>
    /// <param name="length">Tokens that agree, at most <see cref="LongestMatch"/>; 0: there is none.</param>
    /// <returns>Index of the token that followed it.</returns>
    public int Find(ReadOnlySpan<int> tokens, out int length)
    {
        length = 0;
        int found = 0;
        int last = tokens.Length - 1;
        if (last < ShortestMatch)
        {
            return 0;
        }

        Index(tokens, last);
        int place = _heads[Hash(tokens[last - 1], tokens[last])];
        for (int tries = Candidates; place > 0 && tries > 0 && length < LongestMatch; tries--)
        {
            int at = place - 1;
            int agree = Agreement(tokens, at);
            if (agree >= ShortestMatch && agree > length)
            {
                length = agree;
                found = at + 1;
            }

            place = _older[at];
        }

        return found;
    }

    /// <summary>The token that stood <paramref name="ahead"/> behind a found place; past the end the text goes on repeating itself.</summary>
    /// <param name="tokens">As given to <see cref="Find"/>.</param>
    /// <param name="found">What it returned.</param>
    /// <param name="ahead">From 0.</param>
    public static int Guess(ReadOnlySpan<int> tokens, int found, int ahead)
    {
        int period = tokens.Length - found;
        return tokens[found + (ahead % period)];
    }

    /// <summary>Enters the pairs that end before <paramref name="end"/>.</summary>
    private void Index(ReadOnlySpan<int> tokens, int end)
    {
        for (; _indexed < end; _indexed++)
        {
            int hash = Hash(tokens[_indexed - 1], tokens[_indexed]);
            _older[_indexed] = _heads[hash];
            _heads[hash] = _indexed + 1;
        }
    }

    private static int Agreement(ReadOnlySpan<int> tokens, int at)
    {
        int most = Math.Min(LongestMatch, at + 1);
        int last = tokens.Length - 1;
        int agree = 0;
        while (agree < most && tokens[at - agree] == tokens[last - agree])
        {
            agree++;
        }

        return agree;
    }

    private int Hash(int first, int second) => (int)((((uint)first * 0x9E3779B1) ^ ((uint)second * 0x85EBCA6B)) * 0xC2B2AE35 >> _shift);
}
