using LlmServe.Engine.Speculation;

namespace LlmServe.Engine.Scheduling;

/// <summary>What a running sequence needs beside the machine's memory, for every slot from the start, so that nothing large is allocated between ticks.</summary>
internal sealed class SlotBuffers
{
    private readonly int[][] _tokens; // [slots][context]
    private readonly SequenceDrafts[] _drafts; // [slots]; empty: nobody drafts

    /// <param name="slots">Sequences that run at once.</param>
    /// <param name="context">Most tokens of one.</param>
    /// <param name="lookups">How prompt lookup goes in general; null: nobody drafts.</param>
    public SlotBuffers(int slots, int context, LookupRates? lookups)
    {
        _tokens = new int[slots][];
        _drafts = new SequenceDrafts[lookups is null ? 0 : slots];
        for (int slot = 0; slot < slots; slot++)
        {
            _tokens[slot] = GC.AllocateUninitializedArray<int>(context); // pages are taken as tokens come
            if (lookups is not null)
            {
                _drafts[slot] = new SequenceDrafts(context, lookups);
            }
        }
    }

    /// <summary>Gives a sequence the buffers of its slot.</summary>
    public void Lend(Sequence sequence)
    {
        sequence.Tokens.MoveTo(_tokens[sequence.Slot]);
        if (_drafts.Length > 0)
        {
            sequence.Drafts = _drafts[sequence.Slot];
            sequence.Drafts.Begin();
        }
    }

    /// <summary>Takes them back from one that goes on later.</summary>
    public static void TakeBack(Sequence sequence)
    {
        sequence.Tokens.MoveOut();
        sequence.Drafts = null;
        sequence.IsForwarded = false;
    }
}
