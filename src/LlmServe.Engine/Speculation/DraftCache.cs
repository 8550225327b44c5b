using LlmServe.Engine.Memory;
using LlmServe.Engine.Sampling;
using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Speculation;

/// <summary>
/// The draft model's side of the running sequences: a slot of its own row table for each, with the same number, and how far its memory agrees with
/// the sequence's tokens. Anything here can be dropped at any time; it is computed again from the tokens when it is needed.
/// </summary>
internal sealed class DraftCache
{
    private readonly IProgramExecutor _executor;
    private readonly SequenceMemory _memory;
    private readonly int _vocabulary;
    private readonly int _mostDrafts;
    private readonly Sequence?[] _owners; // [slots]
    private readonly int[] _computed; // [slots], positions in the cache, those of drafts included
    private readonly int[] _known; // [slots], tokens that were known when the drafts were made
    private readonly int[] _drafts; // [slots, mostDrafts]
    private readonly float[] _scratch; // [vocabulary]

    /// <param name="executor">Runs the draft model.</param>
    /// <param name="vocabulary">Tokens that the larger model can say.</param>
    /// <param name="mostDrafts">Most drafts of a sequence in a tick.</param>
    /// <param name="prefixCache">Whether sequences that start alike share blocks.</param>
    public DraftCache(IProgramExecutor executor, int vocabulary, int mostDrafts, bool prefixCache)
    {
        int slots = executor.Rows.Slots;
        int ahead = executor.Rows.Capacity + mostDrafts;
        _executor = executor;
        _memory = new SequenceMemory(executor.Rows, executor.Memory, prefixCache, ahead);
        _vocabulary = Math.Min(vocabulary, executor.Model.VocabularySize);
        _mostDrafts = mostDrafts;
        _owners = new Sequence?[slots];
        _computed = new int[slots];
        _known = new int[slots];
        _drafts = new int[slots * mostDrafts];
        _scratch = new float[_vocabulary];
        Context = (int)Math.Min(executor.Model.ContextLength, SequenceMemory.Capacity(executor.Rows, executor.Memory, ahead));
    }

    /// <summary>Most positions of a sequence.</summary>
    public int Context { get; }

    /// <summary>KV blocks that no sequence holds.</summary>
    public int FreeBlocks => _memory.Available;

    /// <summary>Gives back what sequences held that have left or moved.</summary>
    public void Sweep()
    {
        for (int slot = 0; slot < _owners.Length; slot++)
        {
            if (_owners[slot] is { } owner && owner.Slot != slot)
            {
                Drop(slot);
            }
        }
    }

    /// <summary>
    /// Makes a sequence's slot its own, takes back what was drafted wrong, and gets memory for its tokens and <paramref name="drafts"/> more. False
    /// when there is no room; then the sequence holds nothing here.
    /// </summary>
    public bool TryFollow(Sequence sequence, int drafts)
    {
        int slot = sequence.Slot;
        var tokens = sequence.Tokens;
        if (slot >= _owners.Length || tokens.Length + drafts > Context)
        {
            return false;
        }

        if (_owners[slot] == sequence)
        {
            TakeBack(tokens, slot);
        }
        else
        {
            Drop(slot);
            _owners[slot] = sequence;
            _computed[slot] = _memory.Attach(slot, tokens.First(tokens.Length - 1), Math.Min(Context, tokens.Limit));
            _known[slot] = _computed[slot];
        }

        if (_memory.TryEnsure(slot, tokens.Length + drafts))
        {
            return true;
        }

        Drop(slot);
        return false;
    }

    /// <summary>Tokens that the draft model has not read yet, at least one.</summary>
    public int Pending(Sequence sequence) => sequence.Tokens.Length - _computed[sequence.Slot];

    /// <summary>Reads the next tokens of a sequence, in a tick of its own, without drafting.</summary>
    public void Read(Sequence sequence, int rows)
    {
        int slot = sequence.Slot;
        _executor.Rows.Clear();
        AddKnown(sequence, rows);
        _executor.RunTick();
        _computed[slot] += rows;
        _known[slot] = _computed[slot];
        _memory.Commit(slot, sequence.Tokens.First(_computed[slot]));
    }

    /// <summary>
    /// Drafts for several sequences at once, greedily, a tick per token: writes the drafts behind each sequence's known tokens.
    /// </summary>
    /// <param name="sequences">Each followed, with room for its drafts; all their pending rows fit into a tick.</param>
    /// <returns>Ticks that were run.</returns>
    public int Propose(ReadOnlySpan<Sequence> sequences)
    {
        foreach (var sequence in sequences)
        {
            sequence.Constraint?.BeginDrafts();
        }

        int ticks = RunDrafts(sequences);
        foreach (var sequence in sequences)
        {
            sequence.Constraint?.GoBack();
        }

        return ticks;
    }

    private int RunDrafts(ReadOnlySpan<Sequence> sequences)
    {
        int step = 0;
        while (true)
        {
            _executor.Rows.Clear();
            foreach (var sequence in sequences)
            {
                if (step == 0)
                {
                    AddKnown(sequence, Pending(sequence));
                }
                else if (step < sequence.Drafts!.Proposed)
                {
                    int position = sequence.Tokens.Length + step - 1;
                    _executor.Rows.Add(sequence.Slot, position, sequence.Tokens[position], true);
                }
            }

            if (_executor.Rows.Count == 0)
            {
                return step;
            }

            _executor.RunTick();
            Take(sequences, step++);
        }
    }

    private void AddKnown(Sequence sequence, int rows)
    {
        int start = _computed[sequence.Slot];
        for (int position = start; position < start + rows; position++)
        {
            _executor.Rows.Add(sequence.Slot, position, sequence.Tokens[position], position == sequence.Tokens.Length - 1);
        }
    }

    /// <summary>Takes the likeliest tokens of a tick.</summary>
    private void Take(ReadOnlySpan<Sequence> sequences, int step)
    {
        int row = 0;
        foreach (var sequence in sequences)
        {
            if (step >= sequence.Drafts!.Proposed)
            {
                continue;
            }

            int slot = sequence.Slot;
            var logits = _executor.Logits(row++)[.._vocabulary];
            int token = sequence.Constraint is { } constraint ? constraint.Draft(logits, _scratch) : LogitScan.ArgMax(logits);
            _known[slot] = sequence.Tokens.Length;
            _computed[slot] = sequence.Tokens.Length + step;
            if (token < 0)
            {
                sequence.Drafts.Proposed = step; // nothing may follow
                continue;
            }

            sequence.Tokens.Try(step, token);
            _drafts[(slot * _mostDrafts) + step] = token;
        }
    }

    /// <summary>What the draft model read beyond the known tokens counts as far as the sequence went the same way.</summary>
    private void TakeBack(TokenBuffer tokens, int slot)
    {
        int right = _known[slot];
        while (right < _computed[slot] && right < tokens.Length && tokens[right] == _drafts[(slot * _mostDrafts) + right - _known[slot]])
        {
            right++;
        }

        _computed[slot] = Math.Min(_computed[slot], Math.Min(right, tokens.Length - 1));
        _known[slot] = _computed[slot];
        _memory.Commit(slot, tokens.First(_computed[slot]));
    }

    private void Drop(int slot)
    {
        _memory.Release(slot);
        _owners[slot] = null;
        _computed[slot] = 0;
        _known[slot] = 0;
    }
}
