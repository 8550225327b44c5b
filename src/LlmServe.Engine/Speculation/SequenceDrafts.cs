using LlmServe.Engine.Scheduling;

namespace LlmServe.Engine.Speculation;

/// <summary>What speculation knows of the sequence in one slot. Every slot has one from the start; nothing is allocated later.</summary>
/// <param name="capacity">Most tokens of a sequence.</param>
/// <param name="lookups">How lookups go in general.</param>
internal sealed class SequenceDrafts(int capacity, LookupRates lookups)
{
    private readonly PromptLookup _lookup = new(capacity);
    private readonly LookupRates _rates = new(lookups);
    private int _knownAt;
    private int _found;
    private int _agreed;

    /// <summary>Tokens drafted for the next tick; they stand behind the sequence's known ones.</summary>
    public int Proposed { get; set; }

    /// <summary>Where they come from.</summary>
    public DraftSource Source { get; set; }

    /// <summary>How often a draft model was right about this sequence.</summary>
    public AcceptanceRate ModelRate { get; } = new(32, 4);

    /// <summary>Whether the text's past is likelier to be right than a draft model.</summary>
    public bool PrefersLookup { get; set; }

    /// <summary>Most tokens that can be of use in the next tick.</summary>
    public int Most { get; set; }

    /// <summary>Most tokens that may be drafted from the text's past now.</summary>
    public int Room { get; set; }

    /// <summary>Chance that one more draft token, and all before it, are right.</summary>
    public float Chance { get; private set; }

    /// <summary>Another sequence has the slot from now on.</summary>
    public void Begin()
    {
        _lookup.Clear();
        _rates.Clear();
        ModelRate.Fade(0);
        _knownAt = -1;
        _agreed = 0;
        Proposed = 0;
        Room = 0;
        PrefersLookup = false;
    }

    /// <summary>Looks for the end of the text in its past. False when it is new.</summary>
    public bool Look(TokenBuffer tokens)
    {
        _knownAt = tokens.Length;
        _found = _lookup.Find(tokens.Known, out _agreed);
        Chance = _agreed == 0 ? 0 : _rates.Value(_agreed);
        return _agreed > 0;
    }

    /// <summary>Takes one more token from the text's past.</summary>
    public void Extend()
    {
        Source = DraftSource.Lookup;
        Proposed++;
        Chance *= _rates.Value(_agreed + Proposed);
    }

    /// <summary>Writes the tokens from the text's past behind the known ones.</summary>
    public void WriteLookup(TokenBuffer tokens)
    {
        for (int i = 0; i < Proposed; i++)
        {
            tokens.Try(i, PromptLookup.Guess(tokens.Known, _found, i));
        }
    }

    /// <summary>
    /// Learns from the tokens that a tick gave, which stand behind the known ones: what the text's past would have said of them, whether or not it
    /// was asked.
    /// </summary>
    public void Learn(TokenBuffer tokens, int chosen)
    {
        bool right = _knownAt == tokens.Length && _agreed > 0;
        for (int i = 0; i < chosen && right; i++)
        {
            right = PromptLookup.Guess(tokens.Known, _found, i) == tokens[tokens.Length + i];
            _rates.Add(_agreed + i, right);
        }
    }
}
