using System.Diagnostics;
using LlmServe.Engine.Memory;
using LlmServe.Engine.Memory.Store;
using LlmServe.Engine.Planning;
using LlmServe.Engine.Speculation;
using LlmServe.Engine.Telemetry;
using LlmServe.Execution;
using LlmServe.Text;

namespace LlmServe.Engine.Scheduling;

/// <summary>
/// The one generation loop, a tick at a time and without a thread of its own: <see cref="Step"/> lets sequences in, plans a tick, runs it and sends
/// what came out. Everything else (threads, submission, stopping) stands around it in <see cref="LlmEngine"/>.
/// </summary>
internal sealed class GenerationLoop
{
    private readonly IProgramExecutor _executor;
    private readonly SequenceMemory _memory;
    private readonly SequenceSet _sequences;
    private readonly TickPlanner _planner;
    private readonly TokenWriter _writer;
    private readonly RequestEnd _end;
    private readonly EngineMetrics? _metrics;
    private readonly PrefixImporter? _importer;
    private bool _imported;
    private long _ticks;
    private long _promptRows;
    private long _decodeRows;

    /// <param name="executor">Runs ticks.</param>
    /// <param name="tokenizer">Names the end-of-generation tokens.</param>
    /// <param name="options">Limits.</param>
    /// <param name="onEnded">Called once per sequence when it has left, before its stream completes.</param>
    /// <param name="metrics">Where to report; null: nowhere.</param>
    /// <param name="draft">A model that guesses tokens ahead; null: there is none.</param>
    /// <param name="learns">Whether predicted times follow measured ones.</param>
    /// <param name="store">Where the prefix cache goes beyond the machine's memory; null: nowhere.</param>
    /// <param name="wake">Called on another thread when something was read from there.</param>
    public GenerationLoop(
        IProgramExecutor executor, ITokenizer tokenizer, EngineOptions options, Action<Sequence> onEnded, EngineMetrics? metrics = null,
        DraftModel? draft = null, bool learns = false, PrefixStore? store = null, Action? wake = null)
    {
        Predictor = new TickPredictor(executor, learns);
        _metrics = metrics;
        _executor = executor;
        _end = new RequestEnd(metrics, onEnded);
        int maxRows = Math.Min(options.MaxRowsPerTick, executor.Rows.Capacity);
        MaxSequences = Math.Min(options.MaxSequences, executor.Rows.Slots);
        ContextLength = (int)Math.Min(executor.Model.ContextLength, SequenceMemory.Capacity(executor.Rows, executor.Memory, maxRows));
        if (ContextLength < 1)
        {
            throw new ArgumentException(
                $"the KV memory holds no sequence beside ticks of {maxRows} rows; give it more, or take fewer rows a tick ({nameof(EngineOptions.MaxRowsPerTick)})");
        }

        _memory = new SequenceMemory(executor.Rows, executor.Memory, options.PrefixCache, maxRows, store);
        var lookups = options.Speculate == 0 ? null : new LookupRates(null);
        var buffers = new SlotBuffers(executor.Rows.Slots, ContextLength, lookups);
        _sequences = new SequenceSet(_memory, buffers, MaxSequences, options.MaxQueue, options.MaxSequencesPerClient);
        _importer = _memory.Transfer is null ? null : new PrefixImporter(_sequences, _memory, wake ?? (() => { }));
        _planner = new TickPlanner(executor, Predictor, _memory, _sequences, MaxSequences, maxRows, options, draft);
        _writer = new TokenWriter(executor, tokenizer.EndOfGenerationIds);
    }

    /// <summary>Most sequences that run at once.</summary>
    public int MaxSequences { get; }

    /// <summary>How long ticks take.</summary>
    internal TickPredictor Predictor { get; }

    /// <summary>Most positions of a sequence: the model's context, or what the memory holds if that is less.</summary>
    public int ContextLength { get; }

    /// <summary>What sequences have of the machine's memory.</summary>
    internal SequenceMemory Memory => _memory;

    /// <summary>Whether no sequence runs or waits.</summary>
    public bool IsEmpty => _sequences.Running.Count == 0 && _sequences.Waiting.Count == 0;

    /// <summary>Sequences that hold a slot now. Any thread.</summary>
    public int Running => _sequences.Running.Count;

    /// <summary>Numbers as of now. [engine's thread]</summary>
    public EngineStatistics Statistics => new(
        _sequences.Running.Count, _sequences.Waiting.Count, CountPaused(_sequences.Running) + CountPaused(_sequences.Waiting), _memory.BlockCount,
        _memory.Available, _memory.Cached, _ticks, _promptRows, _decodeRows, _sequences.CachedPromptTokens + (_importer?.Positions ?? 0), _sequences.Preemptions)
    {
        CachedStates = _memory.CachedStates,
        Speculation = _planner.Speculator.Statistics,
    };

    /// <summary>Tells what there is to do. [engine's thread]</summary>
    public void Post(WorkBoard board) => board.Post(_sequences);

    /// <summary>Takes over a sequence.</summary>
    public void Add(Sequence sequence)
    {
        if (sequence.Life.HasEnded)
        {
            return;
        }

        _sequences.Add(sequence);
        if (sequence.Record.Predicted is { } times)
        {
            // What is cached already needs no reading.
            int prompt = sequence.Tokens.PromptLength;
            int cached = _memory.CountKnown(sequence.Tokens.First(prompt - 1));
            sequence.Record.Predicted = times.WithCached((double)cached / prompt);
        }
    }

    /// <summary>One tick. False when there was nothing to do; then only a new request, a cancellation or a reader can change that.</summary>
    public bool Step()
    {
        if (!Prepare())
        {
            return _imported;
        }

        Run();
        Choose();
        Send();
        return true;
    }

    /// <summary>Everything before the tick: ends, entries, and the row table. False when the tick would be empty.</summary>
    internal bool Prepare()
    {
        Reap(_sequences.Running);
        Reap(_sequences.Waiting);
        _sequences.Admit();
        _imported = _importer?.Step() ?? false;
        _planner.FillRows();
        foreach (var sequence in _planner.Scheduled)
        {
            sequence.Record.Started = sequence.Record.Started == 0 ? Stopwatch.GetTimestamp() : sequence.Record.Started;
        }

        return _executor.Rows.Count > 0;
    }

    /// <summary>The tick.</summary>
    internal void Run()
    {
        long started = Stopwatch.GetTimestamp();
        _executor.RunTick();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double? ratio = Predictor.IsReady ? Predictor.Learn(seconds) : null;
        _metrics?.TickEnded(seconds, ratio, _planner.PromptRows, _planner.DecodeRows);
    }

    /// <summary>After the tick: what is in the cache now, and which tokens come next.</summary>
    internal void Choose()
    {
        _ticks++;
        _promptRows += _planner.PromptRows;
        _decodeRows += _planner.DecodeRows;
        foreach (var sequence in _planner.Scheduled)
        {
            _writer.Choose(sequence);
            _planner.Speculator.Learn(sequence);
            int wrong = sequence.Tick.Drafts == 0 ? 0 : sequence.Tick.Drafts - (sequence.Tick.Sampled - 1);
            sequence.Computed += sequence.Tick.Rows - wrong;
            if (wrong > 0)
            {
                _memory.RollBack(sequence.Slot, sequence.Computed);
            }

            _memory.Commit(sequence.Slot, sequence.Tokens.First(sequence.Computed));
            KeepState(sequence);
        }
    }

    /// <summary>Sends the chosen tokens and lets finished sequences go. What fails for one sequence alone ends that one.</summary>
    internal void Send()
    {
        long now = Stopwatch.GetTimestamp();
        foreach (var sequence in _planner.Scheduled)
        {
            if (sequence.Tick.Chosen > 0 || sequence.Fault is not null)
            {
                Send(sequence, now);
            }
        }
    }

    /// <summary>Takes a sequence out and ends it, unless somebody else ended it before.</summary>
    public void End(Sequence sequence, FinishReason reason)
    {
        Remove(sequence);
        if (sequence.Life.TryEnd())
        {
            _end.Tell(sequence, reason);
        }
    }

    /// <summary>Gives what is kept to the store, if there is one.</summary>
    public void SaveAll() => _memory.SaveAll();

    /// <summary>Lets go of all sequences; after a failure nothing runs any more, so slots and blocks are left alone.</summary>
    public void Forget()
    {
        _sequences.Running.Clear();
        _sequences.Waiting.Clear();
    }

    private void Send(Sequence sequence, long now)
    {
        var reason = FinishReason.None;
        Exception? fault = null;
        try
        {
            if (sequence.Tick.Chosen > 0)
            {
                reason = _writer.Write(sequence);
                _metrics?.Sent(sequence.Record.LastSent, now);
                sequence.Record.LastSent = now;
            }

            fault = reason == FinishReason.None ? sequence.Fault : null;
        }
        catch (Exception error)
        {
            fault = RequestEnd.OfOne(error);
        }

        if (fault is null && reason == FinishReason.None)
        {
            return;
        }

        Remove(sequence);
        if (!sequence.Life.TryEnd())
        {
            return;
        }

        if (fault is null)
        {
            _end.Told(sequence, reason);
        }
        else
        {
            _end.Fail(sequence, fault);
        }
    }

    /// <summary>Ends the cancelled sequences of a list and looks up whose client does not read.</summary>
    private void Reap(List<Sequence> sequences)
    {
        for (int i = sequences.Count - 1; i >= 0; i--)
        {
            var sequence = sequences[i];
            if (sequence.Life.CancelRequested || sequence.Life.HasEnded)
            {
                End(sequence, FinishReason.Cancelled);
            }
            else
            {
                sequence.IsPaused = !sequence.Life.IsWaiting && sequence.Stream.IsFull(); // nothing was sent before it ran
            }
        }
    }

    /// <summary>Keeps a state where one is wanted: at chosen places of what is read, and at the last block border of what is written.</summary>
    private void KeepState(Sequence sequence)
    {
        bool isWriting = sequence.Computed == sequence.Tokens.Length;
        if (_memory.HasStates && sequence.Computed % KvBlock.Positions == 0 && (isWriting || sequence.Computed == sequence.SnapshotAt))
        {
            _memory.Snapshot(sequence.Slot, moves: isWriting);
        }
    }

    private void Remove(Sequence sequence)
    {
        if (sequence.IsIn)
        {
            _sequences.Remove(sequence);
        }
    }

    private static int CountPaused(List<Sequence> sequences)
    {
        int count = 0;
        foreach (var sequence in sequences)
        {
            count += sequence.IsPaused ? 1 : 0;
        }

        return count;
    }
}
