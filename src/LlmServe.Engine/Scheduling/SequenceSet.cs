using LlmServe.Compiler;
using LlmServe.Engine.Kv;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// All sequences of an engine: those that hold a slot and KV blocks, and those that wait, both oldest first. Decides who enters and, when blocks run
/// out, who has to leave; whoever leaves is recomputed later from its tokens and gives the same bits.
/// </summary>
internal sealed class SequenceSet
{
    private readonly KvCacheManager _kv;
    private readonly int[] _freeSlots;
    private int _freeSlotCount;

    /// <param name="kv">Gives the blocks.</param>
    /// <param name="slots">Most running sequences.</param>
    /// <param name="waiting">Waiting sequences to make room for in advance.</param>
    public SequenceSet(KvCacheManager kv, int slots, int waiting)
    {
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

    /// <summary>Sequences that lost their blocks so far.</summary>
    public long Preemptions { get; private set; }

    /// <summary>Prompt positions so far that newcomers found in the prefix cache.</summary>
    public long CachedPromptTokens { get; private set; }

    /// <summary>Adds a new sequence to those that wait.</summary>
    public void Add(Sequence sequence) => Insert(Waiting, sequence);

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
    }

    /// <summary>Lets waiting sequences in, oldest first, while slots and blocks last. Nobody overtakes one that has to wait for blocks.</summary>
    public void Admit()
    {
        int index = 0;
        while (index < Waiting.Count)
        {
            var sequence = Waiting[index];
            if (sequence.IsPaused)
            {
                index++; // preempted, and its client does not read: it asks for nothing now
            }
            else if (TryEnter(sequence))
            {
                Waiting.RemoveAt(index);
            }
            else if (YoungestPaused() is { } paused)
            {
                Preempt(paused); // a client that does not read must not keep others waiting
                index = 0;
            }
            else
            {
                return;
            }
        }
    }

    /// <summary>
    /// Makes sure that a running sequence has blocks for all its tokens, taking those of others if it must: first of the youngest whose client does
    /// not read, then of the youngest. False when the sequence itself was the one to leave.
    /// </summary>
    public bool Grow(Sequence sequence)
    {
        while (!_kv.TryEnsure(sequence.Slot, sequence.Length))
        {
            var victim = YoungestPaused() ?? Running[^1];
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

        _freeSlotCount--;
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

    private Sequence? YoungestPaused()
    {
        for (int i = Running.Count - 1; i >= 0; i--)
        {
            if (Running[i].IsPaused)
            {
                return Running[i];
            }
        }

        return null;
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
        _freeSlots[_freeSlotCount++] = sequence.Slot;
        sequence.Slot = -1;
        sequence.Computed = 0;
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
