using LlmServe.Engine.Scheduling;
using LlmServe.Engine.Streams;
using LlmServe.Engine.Telemetry;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>A loop, its fake machine, and the sequences in it.</summary>
internal sealed class LoopRig
{
    private readonly List<Sequence> _all = [];
    private readonly EngineOptions _options;
    private long _arrivals;

    public LoopRig(FakeExecutorOptions model, EngineOptions options, EngineMetrics? metrics = null, bool learns = false)
    {
        _options = options;
        Executor = new FakeExecutor(model);
        Loop = new GenerationLoop(Executor, EngineTest.Tokenizer, options, Leave, metrics, learns: learns);
    }

    public FakeExecutor Executor { get; }

    public GenerationLoop Loop { get; }

    public int Finished { get; private set; }

    public Action<Sequence>? OnFinished { get; set; }

    /// <summary>Sequences that run or wait, oldest first.</summary>
    public IEnumerable<Sequence> Live => _all.Where(sequence => sequence.Record.Finish == FinishReason.None);

    /// <summary>Sequences with a slot, oldest first.</summary>
    public IEnumerable<Sequence> Running => _all.Where(sequence => sequence.Slot >= 0);

    public Sequence Add(int[] prompt, int maxTokens, SamplingOptions? sampling = null, string? client = null, int priority = 0)
    {
        var request = new GenerationRequest
        {
            Prompt = prompt, MaxTokens = maxTokens, IgnoreEndOfGeneration = true, Sampling = sampling ?? new SamplingOptions(),
            Client = client, Priority = priority,
        };
        int limit = Math.Min(prompt.Length + maxTokens, Loop.ContextLength);
        var sequence = new Sequence(
            _arrivals++, request, prompt, limit, EngineTest.Tokenizer, new UpdateStream(_options.StreamCapacity, () => { }));
        _all.Add(sequence);
        Loop.Add(sequence);
        return sequence;
    }

    public int RowsOf(Sequence sequence)
    {
        int rows = 0;
        for (int row = 0; row < Executor.Rows.Count; row++)
        {
            rows += Executor.Rows.RowSlots[row] == sequence.Slot ? 1 : 0;
        }

        return rows;
    }

    public void Step()
    {
        Assert.True(Loop.Prepare());
        Finish();
    }

    /// <summary>A tick that is taken to last as long as its compiled costs say.</summary>
    public void StepAsPredicted()
    {
        Assert.True(Loop.Prepare());
        FinishAsPredicted();
    }

    /// <summary>Runs the prepared tick, and reads what the clients got.</summary>
    public void Finish()
    {
        Loop.Run();
        Send();
    }

    /// <summary><see cref="Finish"/>, with a tick that is taken to last as long as its compiled costs say, or so many times as long.</summary>
    public void FinishAsPredicted(double times = 1)
    {
        Executor.RunTick();
        var rows = Executor.Rows;
        int context = (int)(rows.Positions.ToArray().Sum(position => (long)position) / rows.Count) + 1;
        Loop.Predictor.Learn(times * Executor.Costs.Seconds(rows.Count, rows.SelectedCount, context));
        Send();
    }

    private void Send()
    {
        Loop.Choose();
        Loop.Send();
        foreach (var sequence in _all)
        {
            while (sequence.Stream.TryRead(out _))
            {
            }
        }
    }

    private void Leave(Sequence sequence)
    {
        Finished++;
        OnFinished?.Invoke(sequence);
    }
}
