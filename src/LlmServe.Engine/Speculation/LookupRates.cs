using System.Numerics;

namespace LlmServe.Engine.Speculation;

/// <summary>
/// How often prompt lookup is right, by the length of the match: the longer the stretch that agreed, the likelier is the next token. Counted for
/// every token that a sequence gains, guessed ahead or not, so it costs no row to know when guessing pays.
/// </summary>
/// <param name="general">What other sequences saw; null: these are they.</param>
internal sealed class LookupRates(LookupRates? general)
{
    private const float SequenceMemory = 48;
    private const float SequenceTrust = 6;
    private const float GeneralMemory = 400;
    private const float GeneralTrust = 24;

    /// <summary>Shares seen in ordinary chats with a small model, for matches of 2–3, 4–7, 8–15, 16–31 and 32 tokens.</summary>
    private static readonly float[] Usual = [0.3f, 0.5f, 0.7f, 0.85f, 0.9f];

    private readonly AcceptanceRate[] _rates = [.. Usual.Select(_ =>
        general is null ? new AcceptanceRate(GeneralMemory, GeneralTrust) : new AcceptanceRate(SequenceMemory, SequenceTrust))];

    /// <summary>Share of right guesses to expect behind a match of <paramref name="length"/> tokens.</summary>
    public float Value(int length)
    {
        int kind = KindOf(length);
        return _rates[kind].Value(general?.Value(length) ?? Usual[kind]);
    }

    /// <summary>Takes in whether the token behind a match was right.</summary>
    public void Add(int length, bool right)
    {
        _rates[KindOf(length)].Add(right);
        general?.Add(length, right);
    }

    /// <summary>Forgets what was seen.</summary>
    public void Clear()
    {
        foreach (var rate in _rates)
        {
            rate.Fade(0);
        }
    }

    private static int KindOf(int length) => Math.Clamp(BitOperations.Log2((uint)Math.Max(length, 1)) - 1, 0, Usual.Length - 1);
}
