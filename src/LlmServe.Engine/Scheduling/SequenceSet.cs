using System.Runtime.InteropServices;
using LlmServe.Engine.Memory;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// All sequences of an engine: those that hold a slot and memory, and those that wait, both listed oldest first. Lets them in, in the order of
/// <see cref="FairOrder"/>, and when memory runs out decides who has to leave: never the oldest, so that everyone finishes in the end. Whoever leaves is
/// recomputed later from its tokens and gives the same bits.
/// </summary>
internal sealed class SequenceSet
{
    private readonly SequenceMemory _memory;
    private readonly SlotBuffers _buffers;
    private readonly int[] _freeSlots;
    private readonly ClientShares _shares;
    private int _freeSlotCount;
    private Sequence? _blocked; // who found no room last
    private long _blockedAt; // and when, in the memory's releases

    /// <param name="memory">What sequences have of the machine's memory.</param>
    /// <param name="buffers">What they have beside it.</param>
    /// <param name="slots">Most running sequences.</param>
    /// <param name="waiting">Waiting sequences to make room for in advance.</param>
    /// <param name="perClient">Most running sequences of a named client; 0: no limit.</param>
    public SequenceSet(SequenceMemory memory, SlotBuffers buffers, int slots, int waiting, int perClient)
    {
        _shares = new ClientShares(perClient);
        _memory = memory;
        _buffers = buffers;
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

    /// <summary>Sequences that were let in so far.</summary>
    public long Entries { get; private set; }

    /// <summary>Sequences that lost their memory so far.</summary>
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

    /// <summary>Takes a sequence out for good; its memory returns.</summary>
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
    /// Lets waiting sequences in while slots and memory last. Nobody overtakes one that has to wait for memory, except who comes before it anyway.
    /// </summary>
    public void Admit()
    {
        if (Waiting.Count == 0 || (_freeSlotCount == 0 && Victim(pausedOnly: true) is null))
        {
            return;
        }

        while (NextToEnter() is { } sequence)
        {
            if (TryEnter(sequence))
            {
                Entries++;
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

    /// <summary>
    /// Makes sure that a running sequence has memory for all its tokens, taking that of others if it must: first of those whose clients do not read, then of
    /// the lowest priority, and among equals of the youngest. False when the sequence itself was the one to leave.
    /// </summary>
    public bool Grow(Sequence sequence)
    {
        while (!_memory.TryEnsure(sequence.Slot, sequence.Tokens.Length))
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

    /// <summary>A running sequence loses its memory and begins again, with what the cache has of it.</summary>
    public void Restart(Sequence sequence) => Preempt(sequence);

    private Sequence? NextToEnter()
    {
        int next = FairOrder.NextToEnter<Sequence>(CollectionsMarshal.AsSpan(Waiting), FairOrder.IsTurnOfTheOldest(Entries));
        return next < 0 ? null : Waiting[next];
    }

    private bool TryEnter(Sequence sequence)
    {
        if (_freeSlotCount == 0 || (_blocked == sequence && _blockedAt == _memory.Releases))
        {
            return false;
        }

        int slot = _freeSlots[_freeSlotCount - 1];
        int length = sequence.Tokens.Length;

        // The last token is computed in any case: its logits are what the sequence wants.
        int known = _memory.Attach(slot, sequence.Tokens.First(length - 1), sequence.Tokens.Limit);
        if (!_memory.HasRoom(slot, length + 1, FairOrder.BlocksToSpare(Running.Count)) || !_memory.TryEnsure(slot, length))
        {
            _memory.Release(slot);
            _blocked = sequence;
            _blockedAt = _memory.Releases;
            return false;
        }

        if (!sequence.Life.TryRun())
        {
            _memory.Release(slot);
            Forget(sequence);
            return true; // its client has gone: it waits no longer
        }

        _freeSlotCount--;
        sequence.Share.Running++;
        sequence.Slot = slot;
        sequence.Computed = known;
        if (sequence.Record.Started == 0)
        {
            sequence.Record.CachedPrompt = known;
            CachedPromptTokens += known;
        }

        _buffers.Lend(sequence);
        Insert(Running, sequence);
        return true;
    }

    /// <summary>Who loses its memory first: one whose client does not read, or else, if wanted, any but the oldest.</summary>
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
        SlotBuffers.TakeBack(sequence);
        FreeSlot(sequence);
        Insert(Waiting, sequence);
    }

    private void FreeSlot(Sequence sequence)
    {
        sequence.DropStored();
        _memory.Release(sequence.Slot);
        sequence.Share.Running--;
        _freeSlots[_freeSlotCount++] = sequence.Slot;
        sequence.Slot = -1;
        sequence.Computed = 0;
    }

    private void Forget(Sequence sequence)
    {
        sequence.DropStored();
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
