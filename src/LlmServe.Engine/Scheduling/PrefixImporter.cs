using LlmServe.Engine.Memory;
using LlmServe.Engine.Memory.Store;
using LlmServe.Execution;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// Takes prefixes from disk into the blocks of running sequences, a few megabytes between two ticks. The first prefix of a process is a test: what is stored of
/// it is computed too and compared, because two models can look the same from outside.
/// </summary>
/// <param name="sequences">Who runs.</param>
/// <param name="memory">What they have of the machine's memory.</param>
/// <param name="onRead">Called on another thread when there is more to take.</param>
internal sealed class PrefixImporter(SequenceSet sequences, SequenceMemory memory, Action onRead)
{
    private const int BytesPerTick = 8 << 20;

    private readonly PrefixStore _store = memory.Transfer!.Store;
    private int _left;

    /// <summary>Positions so far that came from disk.</summary>
    public long Positions { get; private set; }

    /// <summary>Takes what is there. False when nothing was.</summary>
    public bool Step()
    {
        _left = BytesPerTick;
        bool worked = false;
        for (int i = 0; i < sequences.Running.Count; i++)
        {
            var sequence = sequences.Running[i];
            if (sequence.Stored is { } stored)
            {
                worked |= Step(sequence, stored);
            }
        }

        return worked;
    }

    private bool Step(Sequence sequence, StoredPrefix stored)
    {
        if (stored.Depth * KvBlock.Positions <= sequence.Computed)
        {
            sequence.DropStored(); // the machine's own memory has as much
            return true;
        }

        if (!stored.HasBegun)
        {
            stored.Begin(_store.IsTrusted ? sequence.Computed / KvBlock.Positions : 0, onRead);
        }

        return _store.IsTrusted ? Import(sequence, stored) : Test(sequence, stored);
    }

    /// <summary>Compares a node with what the sequence computes, which it does first.</summary>
    private bool Test(Sequence sequence, StoredPrefix stored)
    {
        if (!IsComputedTo(sequence, (stored.Next + 1) * KvBlock.Positions))
        {
            return false;
        }

        int index = stored.Next;
        if (stored.TryTake() is not { } node)
        {
            return DropIfBroken(sequence, stored);
        }

        using (node)
        {
            if (memory.IsEqual(sequence.Slot, index, node) is not { } isEqual)
            {
                return true; // nothing to compare there: the next one
            }

            _store.IsTrusted = isEqual;
            if (!isEqual)
            {
                _store.Discard();
                sequence.DropStored();
            }

            return true;
        }
    }

    private bool Import(Sequence sequence, StoredPrefix stored)
    {
        int border = (sequence.Computed + KvBlock.Positions - 1) / KvBlock.Positions * KvBlock.Positions;
        if (!IsComputedTo(sequence, border))
        {
            return false;
        }

        bool worked = false;
        while (_left > 0 && stored.TryTake() is { } node)
        {
            using (node)
            {
                worked = true;
                _left -= node.Payload.Length;
                if (stored.Next * KvBlock.Positions > sequence.Computed && !TryTake(sequence, stored, node))
                {
                    sequences.Restart(sequence); // half of a prefix is of no use where layers see windows or states
                    return true;
                }
            }

            if (stored.Next == stored.Depth)
            {
                sequence.DropStored();
                return true;
            }
        }

        return worked || DropIfBroken(sequence, stored);
    }

    private bool TryTake(Sequence sequence, StoredPrefix stored, StoredNode node)
    {
        if (!sequence.HasBegunImport)
        {
            memory.BeginImport(sequence.Slot, stored.Depth);
            sequence.HasBegunImport = true;
        }

        int end = stored.Next * KvBlock.Positions;
        if (!memory.TryImport(sequence.Slot, sequence.Tokens.First(end), node, isLast: stored.Next == stored.Depth))
        {
            return false;
        }

        sequence.Computed = end;
        Positions += KvBlock.Positions;
        sequence.Record.CachedPrompt += sequence.Record.FirstToken == 0 ? KvBlock.Positions : 0;
        return true;
    }

    /// <summary>Lets a sequence compute up to a position and no further; false while it has not.</summary>
    private static bool IsComputedTo(Sequence sequence, int position)
    {
        sequence.IsImporting = sequence.Computed >= position;
        sequence.CutAt = position;
        return sequence.IsImporting;
    }

    private bool DropIfBroken(Sequence sequence, StoredPrefix stored)
    {
        if (!stored.IsBroken)
        {
            return false;
        }

        if (sequence.HasBegunImport)
        {
            sequences.Restart(sequence);
        }
        else
        {
            sequence.DropStored();
        }

        return true;
    }
}
