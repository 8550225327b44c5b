using LlmServe.Engine.Kv;
using LlmServe.Engine.Sampling;
using LlmServe.Engine.Scheduling;
using LlmServe.Execution;

namespace LlmServe.Engine.Speculation;

/// <summary>
/// The draft model's side of the running sequences: a slot of its own row table for each, with the same number, and how far its KV cache agrees with
/// the sequence's tokens. Anything here can be dropped at any time; it is computed again from the tokens when it is needed.
/// </summary>
internal sealed class DraftCache
{
    private readonly IProgramExecutor _executor;
    private readonly KvCacheManager _kv;
    private readonly int _vocabulary;
    private readonly int _maxGuesses;
    private readonly Sequence?[] _owners; // [slots]
    private readonly int[] _computed; // [slots], positions in the cache, those of guesses included
    private readonly int[] _known; // [slots], tokens that were known when the guesses were made
    private readonly int[] _guesses; // [slots, maxGuesses]

    /// <param name="executor">Runs the draft model.</param>
    /// <param name="vocabulary">Tokens that the larger model can say.</param>
    /// <param name="maxGuesses">Most guesses of a sequence in a tick.</param>
    /// <param name="prefixCache">Whether sequences that start alike share blocks.</param>
    public DraftCache(IProgramExecutor executor, int vocabulary, int maxGuesses, bool prefixCache)
    {
        int slots = executor.Rows.Slots;
        _executor = executor;
        _kv = new KvCacheManager(executor.Rows, executor.Memory.KvGroups[0].Blocks, prefixCache);
        _vocabulary = Math.Min(vocabulary, executor.Model.VocabularySize);
        _maxGuesses = maxGuesses;
        _owners = new Sequence?[slots];
        _computed = new int[slots];
        _known = new int[slots];
        _guesses = new int[slots * maxGuesses];
        Context = GenerationLoop.ContextOf(executor);
    }

    /// <summary>Most positions of a sequence.</summary>
    public int Context { get; }

    /// <summary>KV blocks that no sequence holds.</summary>
    public int FreeBlocks => _kv.Available;

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
    /// Makes a sequence's slot its own, takes back what was guessed wrong, and gets blocks for its tokens and <paramref name="guesses"/> more. False
    /// when there is no room; then the sequence holds nothing here.
    /// </summary>
    public bool TryFollow(Sequence sequence, int guesses)
    {
        int slot = sequence.Slot;
        if (slot >= _owners.Length || sequence.Length + guesses > Context)
        {
            return false;
        }

        if (_owners[slot] == sequence)
        {
            TakeBack(sequence, slot);
        }
        else
        {
            Drop(slot);
            _owners[slot] = sequence;
            _computed[slot] = _kv.Attach(slot, sequence.Tokens.AsSpan(0, sequence.Length - 1));
            _known[slot] = _computed[slot];
        }

        if (_kv.TryEnsure(slot, sequence.Length + guesses))
        {
            return true;
        }

        Drop(slot);
        return false;
    }

    /// <summary>Tokens that the draft has not read yet, at least one.</summary>
    public int Pending(Sequence sequence) => sequence.Length - _computed[sequence.Slot];

    /// <summary>Reads the next tokens of a sequence, in a tick of its own, without guessing.</summary>
    public void Read(Sequence sequence, int rows)
    {
        _executor.Rows.Clear();
        AddKnown(sequence, rows);
        _executor.RunTick();
        _computed[sequence.Slot] += rows;
        _known[sequence.Slot] = _computed[sequence.Slot];
    }

    /// <summary>
    /// Guesses for several sequences at once, greedily, a tick per token: writes the guesses behind each sequence's known tokens.
    /// </summary>
    /// <param name="sequences">Each followed, with room for its guesses; all their pending rows fit into a tick.</param>
    /// <returns>Ticks that were run.</returns>
    public int Guess(ReadOnlySpan<Sequence> sequences)
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
                else if (step < sequence.Guesses!.Planned)
                {
                    int position = sequence.Length + step - 1;
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
            _executor.Rows.Add(sequence.Slot, position, sequence.Tokens[position], position == sequence.Length - 1);
        }
    }

    /// <summary>Takes the likeliest tokens of a tick.</summary>
    private void Take(ReadOnlySpan<Sequence> sequences, int step)
    {
        int row = 0;
        foreach (var sequence in sequences)
        {
            if (step >= sequence.Guesses!.Planned)
            {
                continue;
            }

            int slot = sequence.Slot;
            int token = LogitScan.ArgMax(_executor.Logits(row++)[.._vocabulary]);
            sequence.Tokens[sequence.Length + step] = token;
            _guesses[slot * _maxGuesses + step] = token;
            _known[slot] = sequence.Length;
            _computed[slot] = sequence.Length + step;
        }
    }

    /// <summary>What the draft read beyond the known tokens counts as far as the sequence went the same way.</summary>
    private void TakeBack(Sequence sequence, int slot)
    {
        int right = _known[slot];
        while (right < _computed[slot] && right < sequence.Length && sequence.Tokens[right] == _guesses[slot * _maxGuesses + right - _known[slot]])
        {
            right++;
        }

        _computed[slot] = Math.Min(_computed[slot], Math.Min(right, sequence.Length - 1));
        _known[slot] = _computed[slot];
        _kv.Commit(slot, sequence.Tokens.AsSpan(0, _computed[slot]));
    }

    private void Drop(int slot)
    {
        _kv.Free(slot);
        _owners[slot] = null;
        _computed[slot] = 0;
        _known[slot] = 0;
    }
}
