using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Speculation;

/// <summary>Where guesses come from.</summary>
internal enum GuessSource
{
    /// <summary>The sequence's own text.</summary>
    Lookup,

    /// <summary>A smaller model.</summary>
    Draft,
}

/// <summary>What speculation knows of one sequence. Made when the sequence first runs; nothing is allocated later.</summary>
/// <param name="capacity">Most tokens of the sequence.</param>
/// <param name="lookups">How lookups go in general.</param>
internal sealed class SequenceGuesses(int capacity, LookupRates lookups)
{
    private readonly PromptLookup _lookup = new(capacity);
    private readonly LookupRates _rates = new(lookups);
    private int _knownAt = -1;
    private int _found;
    private int _agreed;

    /// <summary>Tokens guessed for the next tick; they stand behind the sequence's known ones.</summary>
    public int Planned { get; set; }

    /// <summary>Where they come from.</summary>
    public GuessSource Source { get; set; }

    /// <summary>How often a draft model was right about this sequence.</summary>
    public AcceptanceRate Drafts { get; } = new(32, 4);

    /// <summary>Whether the text's past is likelier to be right than a draft model.</summary>
    public bool PrefersLookup { get; set; }

    /// <summary>Most tokens that may be guessed from the text's past now.</summary>
    public int Room { get; set; }

    /// <summary>Chance that one more guess, and all before it, are right.</summary>
    public float Chance { get; private set; }

    /// <summary>Tokens guessed so far.</summary>
    public int Guessed { get; private set; }

    /// <summary>Those among them that were right.</summary>
    public int Accepted { get; private set; }

    /// <summary>Looks for the end of the text in its past. False when it is new.</summary>
    public bool Look(Sequence sequence)
    {
        _knownAt = sequence.Length;
        _found = _lookup.Find(sequence.Tokens.AsSpan(0, sequence.Length), out _agreed);
        Chance = _agreed == 0 ? 0 : _rates.Value(_agreed);
        return _agreed > 0;
    }

    /// <summary>Plans one more token from the text's past.</summary>
    public void Extend()
    {
        Source = GuessSource.Lookup;
        Planned++;
        Chance *= _rates.Value(_agreed + Planned);
    }

    /// <summary>Writes the tokens planned from the text's past behind the known ones.</summary>
    public void WriteLookup(Sequence sequence)
    {
        var known = sequence.Tokens.AsSpan(0, sequence.Length);
        for (int i = 0; i < Planned; i++)
        {
            sequence.Tokens[sequence.Length + i] = PromptLookup.Guess(known, _found, i);
        }
    }

    /// <summary>
    /// Learns from the tokens that a tick gave, which stand behind the known ones: what the text's past would have said of them, whether or not it
    /// was asked.
    /// </summary>
    public void Learn(Sequence sequence)
    {
        if (_knownAt == sequence.Length && _agreed > 0)
        {
            var known = sequence.Tokens.AsSpan(0, sequence.Length);
            bool right = true;
            for (int i = 0; i < sequence.TickChosen && right; i++)
            {
                right = PromptLookup.Guess(known, _found, i) == sequence.Tokens[sequence.Length + i];
                _rates.Add(_agreed + i, right);
            }
        }

        Guessed += sequence.TickGuesses;
        Accepted += sequence.TickChosen - 1;
    }
}
