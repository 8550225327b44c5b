using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Speculation;

/// <summary>
/// Guesses with a draft model: for which sequences, and how many tokens, follows from how often its guesses were right and what its ticks and the rows
/// that verify them are predicted to take. Where that does not pay it stays quiet, and tries again after a while. If the draft model fails it is not
/// asked again, and nobody else notices.
/// </summary>
internal sealed class Drafter
{
    /// <summary>Most guesses of a sequence in a tick where the engine decides.</summary>
    private const int MostDrafts = 8;

    /// <summary>Tokens that a sequence may lag behind and still be drafted for; more are read first.</summary>
    private const int ShortLag = 48;

    /// <summary>Tokens that are read per tick whatever they take; otherwise a slow draft would never catch up.</summary>
    private const int LeastRead = 8;

    private const float Expected = 0.6f;
    private const float Fading = 0.998f;

    private readonly DraftModel _model;
    private readonly IProgramExecutor _draft;
    private readonly DraftCache _cache;
    private readonly DraftCosts _costs;
    private readonly int? _always;
    private readonly AcceptanceRate _general = new(400, 8);
    private readonly Sequence[] _chosen; // [sequences]
    private int _count;

    /// <param name="model">The draft model.</param>
    /// <param name="target">The model that verifies.</param>
    /// <param name="budget">Keeps the promised time.</param>
    /// <param name="maxSequences">Most running sequences.</param>
    /// <param name="options">Whether and how far to guess.</param>
    public Drafter(DraftModel model, IProgramExecutor target, TickBudget budget, int maxSequences, EngineOptions options)
    {
        _model = model;
        _draft = model.Executor;
        _always = options.Speculate;
        int most = Math.Min(options.Speculate ?? MostDrafts, target.Rows.Capacity);
        _cache = new DraftCache(_draft, target.Model.VocabularySize, most, options.PrefixCache);
        _costs = new DraftCosts(target, _draft, most, budget);
        _chosen = new Sequence[maxSequences];
    }

    /// <summary>Whether the draft model failed.</summary>
    public bool Failed { get; private set; }

    /// <summary>Ticks of the draft model.</summary>
    public long Ticks { get; private set; }

    /// <summary>Blocks of the draft's cache that no sequence holds.</summary>
    public int FreeBlocks => _cache.FreeBlocks;

    /// <summary>Chance that a sequence's next draft guess is right.</summary>
    public float Chance(Sequence sequence) => sequence.Drafts!.ModelRate.Value(_general.Value(Expected));

    /// <summary>Gives back what sequences held that are gone.</summary>
    public void Sweep() => _cache.Sweep();

    /// <summary>Guesses for the sequences among <paramref name="decoding"/> that have no guesses from elsewhere, or reads what it has to before.</summary>
    /// <param name="decoding">All decoding sequences.</param>
    /// <param name="spare">Rows of the coming tick that nobody needs.</param>
    /// <param name="context">Positions of a decoding sequence, on average.</param>
    public void ProposeTokens(ReadOnlySpan<Sequence> decoding, int spare, int context)
    {
        if (Failed)
        {
            return;
        }

        try
        {
            _costs.Begin(decoding.Length, context);
            if (!ReadOne(decoding) && Choose(decoding, spare))
            {
                Ticks += _cache.Propose(_chosen.AsSpan(0, _count));
            }
        }
        catch (Exception failure)
        {
            Failed = true;
            foreach (var sequence in decoding)
            {
                sequence.Drafts!.Proposed = sequence.Drafts.Source == DraftSource.Model ? 0 : sequence.Drafts.Proposed;
            }

            Tell(failure);
        }
    }

    private void Tell(Exception failure)
    {
        try
        {
            _model.OnFailure?.Invoke(failure);
        }
        catch (Exception)
        {
            // Whoever is told is anybody's code. The draft is out of use either way, and the statistics say so.
        }
    }

    /// <summary>Learns how a sequence's guesses went.</summary>
    public void Learn(Sequence sequence, int guessed, int right)
    {
        var rate = sequence.Drafts!.ModelRate;
        for (int i = 0; i < Math.Min(right + 1, guessed); i++)
        {
            rate.Add(i < right);
            _general.Add(i < right);
        }

        if (guessed == 0)
        {
            rate.Fade(Fading);
            _general.Fade(Fading);
        }
    }

    /// <summary>Reads on for the oldest sequence that lags far behind and for which drafting should pay. False: there is none.</summary>
    private bool ReadOne(ReadOnlySpan<Sequence> decoding)
    {
        foreach (var sequence in decoding)
        {
            if (!IsFree(sequence) || Worth(sequence) == 0 || !_cache.TryFollow(sequence, 0) || _cache.Pending(sequence) <= ShortLag)
            {
                continue;
            }

            int rows = Math.Min(_cache.Pending(sequence) - 1, _draft.Rows.Capacity);
            while (rows > LeastRead && !_costs.CanRead(rows))
            {
                rows = Math.Max(LeastRead, rows / 2);
            }

            _cache.Read(sequence, rows);
            Ticks++;
            return true;
        }

        return false;
    }

    /// <summary>Collects the sequences to guess for and plans their guesses. False: none.</summary>
    private bool Choose(ReadOnlySpan<Sequence> decoding, int spare)
    {
        _count = 0;
        int pending = 0;
        int room = spare;
        foreach (var sequence in decoding)
        {
            int most = IsFree(sequence) ? Math.Min(Worth(sequence), Math.Min(room, _cache.Context - sequence.Tokens.Length)) : 0;
            if (most <= 0 || !_cache.TryFollow(sequence, most) || _cache.Pending(sequence) > ShortLag
                || pending + _cache.Pending(sequence) > _draft.Rows.Capacity)
            {
                continue;
            }

            pending += _cache.Pending(sequence);
            room -= most;
            sequence.Drafts!.Proposed = most;
            sequence.Drafts.Source = DraftSource.Model;
            _chosen[_count++] = sequence;
        }

        return _count > 0 && Trim(pending);
    }

    /// <summary>Shortens all guesses to what makes the most of the tick.</summary>
    private bool Trim(int pending)
    {
        var chosen = _chosen.AsSpan(0, _count);
        int best = 0;
        double most = _costs.PlainSpeed * (_always is null ? DraftCosts.LeastGain : 0);
        for (int length = 1; length <= _costs.MostDrafts; length++)
        {
            double gained = 0;
            int rows = 0;
            int last = 0;
            foreach (var sequence in chosen)
            {
                int guesses = Math.Min(length, sequence.Drafts!.Proposed);
                gained += DraftCosts.Gain(Chance(sequence), guesses);
                rows += guesses;
                last += guesses == length ? 1 : 0;
            }

            if (last == 0 || !_costs.Fits(rows, pending, length, _count))
            {
                break;
            }

            double speed = _costs.Speed(gained, rows, pending, length, _count);
            if (_always is not null || speed > most)
            {
                most = speed;
                best = length;
            }
        }

        foreach (var sequence in chosen)
        {
            sequence.Drafts!.Proposed = Math.Min(sequence.Drafts.Proposed, best);
        }

        return best > 0;
    }

    private bool IsFree(Sequence sequence) => sequence.Drafts!.Proposed == 0 && !sequence.Drafts.PrefersLookup;

    /// <summary>Guesses that would pay if nobody else were drafted for; 0: none.</summary>
    private int Worth(Sequence sequence)
    {
        int room = Math.Min(_costs.MostDrafts, sequence.Drafts!.Most);
        return room <= 0 || _always is not null ? Math.Max(0, room) : Math.Min(room, _costs.BestAlone(Chance(sequence)));
    }
}
