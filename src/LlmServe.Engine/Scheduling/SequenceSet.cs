using LlmServe.Engine.Kv;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// All sequences of an engine: those that hold a slot and KV blocks, and those that wait, both listed oldest first. Decides who enters
/// (<see cref="FairOrder"/>) and, when blocks run out, who has to leave: never the oldest, so that everyone finishes in the end. Whoever leaves is
/// recomputed later from its tokens and gives the same bits.
/// </summary>
internal sealed class SequenceSet
{
    private readonly KvCacheManager _kv;
    private readonly int[] _freeSlots;
    private readonly ClientShares _shares;
    private int _freeSlotCount;
    private long _entries;

    /// <param name="kv">Gives the blocks.</param>
    /// <param name="slots">Most running sequences.</param>
    /// <param name="waiting">Waiting sequences to make room for in advance.</param>
    /// <param name="perClient">Most running sequences of a named client; 0: no limit.</param>
    public SequenceSet(KvCacheManager kv, int slots, int waiting, int perClient)
    {
        _shares = new ClientShares(perClient);
        _kv = kv;
        _freeSlots = new int[slots];
        for (int i = 0; i < slots; i++)
        {
            _freeSlots[i] = slots - 1 - i;
        }

        _freeSlotCount = slots;
        Running = new List<Sequence>(slots);
        Waiting = new List<Sequence>(slots + waiting);
    }

    /// <summary>Sequences with a slot, oldest first.</summary>
    public List<Sequence> Running { get; }

    /// <summary>Sequences without one, oldest first.</summary>
    public List<Sequence> Waiting { get; }

    /// <summary>Clients with sequences here.</summary>
    public ReadOnlySpan<ClientShare> Clients => _shares.Present;

    /// <summary>Sequences that lost their blocks so far.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Prompt positions so far that newcomers found in the prefix cache.</summary>
    public long CachedPromptTokens { get; private set; }

    /// <summary>Adds a new sequence to those that wait.</summary>
    public void Add(Sequence sequence)
    {
        sequence.Share = _shares.Enter(sequence.Client);
        sequence.IsIn = true;
        Insert(Waiting, sequence);
    }

    /// <summary>Takes a sequence out for good; its blocks return.</summary>
    public void Remove(Sequence sequence)
    {
        if (sequence.Slot >= 0)
        {
            Running.Remove(sequence);
            FreeSlot(sequence);
        }
        else
        {
            Waiting.Remove(sequence);
        }

        Forget(sequence);
    }

    /// <summary>
    /// Lets waiting sequences in while slots and blocks last. Nobody overtakes one that has to wait for blocks, except who comes before it anyway.
    /// </summary>
    public void Admit()
    {
        while (NextToEnter() is { } sequence)
        {
            if (TryEnter(sequence))
            {
                _entries++;
                Waiting.Remove(sequence);
            }
            else if (Victim(pausedOnly: true) is { } paused)
            {
                Preempt(paused); // a client that does not read must not keep others waiting
            }
            else
            {
                return;
            }
        }
    }

    private Sequence? NextToEnter()
    {
        bool oldestFirst = _entries % FairOrder.OldestTurn == FairOrder.OldestTurn - 1;
        Sequence? next = null;
        foreach (var sequence in Waiting)
        {
            // One whose client does not read was preempted and asks for nothing now.
            if (!sequence.IsPaused && !sequence.HasEnded && sequence.Share.MayRun && (next is null || (!oldestFirst && FairOrder.EntersBefore(sequence, next))))
            {
                next = sequence;
            }
        }

        return next;
    }

    /// <summary>
    /// Makes sure that a running sequence has blocks for all its tokens, taking those of others if it must: first of those whose clients do not
    /// read, then of the lowest priority, and among equals of the youngest. False when the sequence itself was the one to leave.
    /// </summary>
    public bool Grow(Sequence sequence)
    {
        while (!_kv.TryEnsure(sequence.Slot, sequence.Length))
        {
            var victim = Victim(pausedOnly: false) ?? sequence;
            Preempt(victim);
            if (victim == sequence)
            {
                return false;
            }
        }

        return true;
    }

    private bool TryEnter(Sequence sequence)
    {
        if (_freeSlotCount == 0)
        {
            return false;
        }

        int slot = _freeSlots[_freeSlotCount - 1];

        // The last token is computed in any case: its logits are what the sequence wants.
        int cached = _kv.Attach(slot, sequence.Tokens.AsSpan(0, sequence.Length - 1));

        // A block per running sequence stays back, so that a newcomer is not thrown out again at once.
        bool crowded = Running.Count > 0 && _kv.Missing(slot, sequence.Length + 1) + Running.Count > _kv.Available;
        if (crowded || !_kv.TryEnsure(slot, sequence.Length))
        {
            _kv.Free(slot);
            return false;
        }

        if (!sequence.TryRun())
        {
            _kv.Free(slot);
            Forget(sequence);
            return true; // its client has gone: it waits no longer
        }

        _freeSlotCount--;
        sequence.Share.Running++;
        sequence.Slot = slot;
        sequence.Computed = cached;
        if (sequence.Started == 0)
        {
            sequence.CachedPrompt = cached;
            CachedPromptTokens += cached;
        }

        sequence.Reserve();
        Insert(Running, sequence);
        return true;
    }

    /// <summary>Who loses its blocks first: one whose client does not read, or else, if wanted, any but the oldest.</summary>
    private Sequence? Victim(bool pausedOnly)
    {
        Sequence? paused = null;
        Sequence? reading = null;
        for (int i = 0; i < Running.Count; i++)
        {
            var sequence = Running[i];
            if (sequence.IsPaused)
            {
                paused = paused is null || FairOrder.LeavesBefore(sequence, paused) ? sequence : paused;
            }
            else if (i > 0 && !pausedOnly)
            {
                reading = reading is null || FairOrder.LeavesBefore(sequence, reading) ? sequence : reading;
            }
        }

        return paused ?? reading;
    }

    private void Preempt(Sequence sequence)
    {
        Preemptions++;
        Running.Remove(sequence);
        FreeSlot(sequence);
        Insert(Waiting, sequence);
    }

    private void FreeSlot(Sequence sequence)
    {
        _kv.Free(sequence.Slot);
        sequence.Share.Running--;
        _freeSlots[_freeSlotCount++] = sequence.Slot;
        sequence.Slot = -1;
        sequence.Computed = 0;
    }

    private void Forget(Sequence sequence)
    {
        sequence.IsIn = false;
        _shares.Leave(sequence.Share);
    }

    private static void Insert(List<Sequence> list, Sequence sequence)
    {
        int at = list.Count;
        while (at > 0 && list[at - 1].Arrival > sequence.Arrival)
        {
            at--;
        }

        list.Insert(at, sequence);
    }
}
