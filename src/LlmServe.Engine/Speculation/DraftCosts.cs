using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Speculation;

/// <summary>What guessing with a draft model is predicted to bring: tokens per second of the coming tick, the draft's own ticks included.</summary>
/// <param name="target">The model that verifies.</param>
/// <param name="draft">The draft model.</param>
/// <param name="mostDrafts">Most guesses of a sequence.</param>
/// <param name="budget">Keeps the promised time while several sequences decode.</param>
internal sealed class DraftCosts(IProgramExecutor target, IProgramExecutor draft, int mostDrafts, TickBudget budget)
{
    /// <summary>A gain below this is not worth a prediction's error.</summary>
    public const double LeastGain = 1.05;

    private int _decoding;
    private int _context;
    private double _plain;

    /// <summary>Most guesses of a sequence.</summary>
    public int MostDrafts => mostDrafts;

    /// <summary>Tokens per second without guesses.</summary>
    public double PlainSpeed => _decoding / _plain;

    /// <summary>Starts a tick.</summary>
    public void Begin(int decoding, int context)
    {
        _decoding = decoding;
        _context = context;
        _plain = target.Costs.Seconds(decoding, decoding, context);
    }

    /// <summary>Tokens that guesses are expected to bring, each right with the same chance if those before it are.</summary>
    public static double Gain(float chance, int guesses)
    {
        double gained = 0;
        double all = 1;
        for (int i = 0; i < guesses; i++)
        {
            all *= chance;
            gained += all;
        }

        return gained;
    }

    /// <summary>Tokens per second with guesses.</summary>
    /// <param name="gained">Tokens that they are expected to bring.</param>
    /// <param name="rows">Rows that verify them.</param>
    /// <param name="pending">Rows of the draft's first tick.</param>
    /// <param name="ticks">Ticks of the draft.</param>
    /// <param name="sequences">Rows of its other ticks.</param>
    public double Speed(double gained, int rows, int pending, int ticks, int sequences) =>
        (_decoding + gained) / Seconds(rows, pending, ticks, sequences);

    /// <summary>Whether all of it stays within the time of a tick. A sequence that is alone makes nobody wait.</summary>
    public bool Fits(int rows, int pending, int ticks, int sequences) =>
        _decoding == 1 || budget.Fits(_decoding + rows, _context, Drafting(pending, ticks, sequences));

    /// <summary>Whether the draft may read so many tokens before the coming tick.</summary>
    public bool CanRead(int rows)
    {
        double reading = draft.Costs.Seconds(rows, 0, _context);
        return (_decoding == 1 && reading <= _plain) || budget.Fits(_decoding, _context, reading);
    }

    /// <summary>The number of guesses that brings most for one sequence whose guesses are right with this chance; 0: none pays.</summary>
    public int BestAlone(float chance)
    {
        int best = 0;
        double most = PlainSpeed * LeastGain;

        // Beside others a share of the draft's ticks is what the sequence has to earn.
        double ticks = 1.0 / _decoding;
        for (int length = 1; length <= mostDrafts; length++)
        {
            double drafting = length * draft.Costs.Seconds(_decoding, _decoding, _context) * ticks;
            double verifying = target.Costs.Seconds(_decoding + length, _decoding + length, _context);
            double speed = (_decoding + Gain(chance, length)) / (drafting + verifying);
            if (speed > most)
            {
                most = speed;
                best = length;
            }
        }

        return best;
    }

    private double Seconds(int rows, int pending, int ticks, int sequences) =>
        target.Costs.Seconds(_decoding + rows, _decoding + rows, _context) + Drafting(pending, ticks, sequences);

    private double Drafting(int pending, int ticks, int sequences) =>
        draft.Costs.Seconds(pending, sequences, _context) + ((ticks - 1) * draft.Costs.Seconds(sequences, sequences, _context));
}
