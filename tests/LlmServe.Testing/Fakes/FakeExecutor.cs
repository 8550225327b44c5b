using LlmServe.Execution;

namespace LlmServe.Testing.Fakes;

/// <summary>Picks the token that a fake model says next, given all tokens so far; negative: no preference, the pseudo-random logits decide.</summary>
public delegate int NextToken(ReadOnlySpan<int> history);

/// <summary>Shape and behaviour of a <see cref="FakeExecutor"/>.</summary>
public sealed record FakeExecutorOptions
{
    public int VocabularySize { get; init; } = FakeTokenizer.Size;

    public int ContextLength { get; init; } = 512;

    public int KvBlocks { get; init; } = 128;

    /// <summary>KV groups; null: one of <see cref="KvBlocks"/> whose rows see everything.</summary>
    public IReadOnlyList<KvGroup>? Groups { get; init; }

    /// <summary>Which of the models that look alike it is.</summary>
    public ulong Weights { get; init; }

    /// <summary>Snapshots of states that can be kept; null: the model has no states.</summary>
    public int? Snapshots { get; init; }

    public int MaxRows { get; init; } = 32;

    public int MaxSequences { get; init; } = 16;

    /// <summary>Whether <see cref="FakeExecutor.Gate"/> starts closed.</summary>
    public bool Gated { get; init; }

    /// <summary>Number of the tick (from 1) that throws; 0: none.</summary>
    public int ThrowAtTick { get; init; }

    /// <summary>What <see cref="ITickCosts.Seconds(in TickLoad)"/> says a tick costs whatever its rows, in seconds.</summary>
    public double SecondsPerTick { get; init; }

    /// <summary>What <see cref="ITickCosts.Seconds(in TickLoad)"/> says a row costs, in seconds.</summary>
    public double SecondsPerRow { get; init; } = 0.001;

    /// <summary>What <see cref="ITickCosts.Seconds(in TickLoad)"/> says of rows, logits rows and context; null: as the two figures above.</summary>
    public Func<int, int, int, double>? Predict { get; init; }

    /// <summary>Says what the model answers; null: pseudo-random.</summary>
    public NextToken? Next { get; init; }

    /// <summary>Called on the engine's thread at the start of every tick, before the gate.</summary>
    public Action<RowTable>? OnTick { get; init; }

    /// <summary>Called whenever logits are read.</summary>
    public Action? OnLogits { get; init; }

    /// <summary>Called at the end of <see cref="FakeExecutor.Dispose"/>.</summary>
    public Action? OnDispose { get; init; }
}

/// <summary>
/// A model made of hashing. Its "keys and values" are the tokens themselves with a hash over everything before them, so logits depend on the whole
/// history as it is read back through the block tables: a wrong block table, a missing position, a block used twice or after it was freed either
/// throws or changes the answer.
/// </summary>
public sealed class FakeExecutor : IProgramExecutor, ITickCosts, ITickOutput
{
    private readonly FakeExecutorOptions _options;
    private readonly FakeMemory _memory;
    private readonly float[] _logits; // [rows, vocabulary]
    private bool _began;

    public FakeExecutor(FakeExecutorOptions? options = null)
    {
        _options = options ?? new FakeExecutorOptions();
        Gate = new TickGate(!_options.Gated);
        int blocksPerSequence = KvBlock.CountFor(_options.ContextLength);
        var groups = _options.Groups ?? [new KvGroup(1, _options.KvBlocks, 1024, KvVisibility.All)];
        Rows = new RowTable(_options.MaxRows, _options.MaxSequences, blocksPerSequence, groups.Count);
        Model = new ModelInfo("fake", _options.VocabularySize, _options.ContextLength, 1, ActivationMode.Int8, KvElement.F16, "fake-0");
        _memory = new FakeMemory(Rows, groups, _options.Snapshots, _options.ContextLength, _options.Weights);
        _logits = new float[_options.MaxRows * _options.VocabularySize];
    }

    /// <summary>Lets a test hold and release ticks.</summary>
    public TickGate Gate { get; }

    /// <summary>Ticks that have run.</summary>
    public int Ticks { get; private set; }

    /// <summary>Rows that have run in all ticks.</summary>
    public int TotalRows { get; private set; }

    /// <summary>Whether <see cref="Dispose"/> was called.</summary>
    public bool IsDisposed { get; private set; }

    public ModelInfo Model { get; }

    public string Backend => "fake";

    public ISequenceMemory Memory => _memory;

    public ITickCosts Costs => this;

    public IReadOnlyList<ITickOutput> Outputs => [this];

    public IReadOnlyList<ITickInput> Inputs => [];

    public bool IsMeasured { get; private set; }

    public string Name => TickOutputs.Logits;

    public int Columns => _options.VocabularySize;

    public bool IsSelected => true;

    public RowTable Rows { get; }

    public void Measure() => IsMeasured = true;

    public void RunTick()
    {
        BeginTick();
        EndTick();
    }

    public void BeginTick() => _began = true;

    public void EndTick()
    {
        Require(_began, "a tick ends that was not begun");
        _began = false;
        Run();
    }

    private void Run()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        _options.OnTick?.Invoke(Rows);
        Gate.Pass();
        Ticks++;
        if (Ticks == _options.ThrowAtTick)
        {
            throw new InvalidOperationException($"the fake executor was told to fail in tick {Ticks}");
        }

        Require(Rows.Count > 0 && Rows.Count <= Rows.Capacity, "a tick needs between 1 and Capacity rows");
        _memory.BeginTick();
        int nextLogits = 0;
        for (int row = 0; row < Rows.Count; row++)
        {
            ulong hash = Write(row);
            if (nextLogits < Rows.SelectedCount && Rows.SelectedRows[nextLogits] == row)
            {
                FillLogits(nextLogits++, hash, Rows.Positions[row] + 1);
            }
        }

        Require(nextLogits == Rows.SelectedCount, "SelectedRows must name rows of the tick, ascending");
        TotalRows += Rows.Count;
    }

    public ReadOnlySpan<float> Logits(int index)
    {
        _options.OnLogits?.Invoke();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Rows.SelectedCount);
        return _logits.AsSpan(index * _options.VocabularySize, _options.VocabularySize);
    }

    public ReadOnlySpan<float> Row(int index) => Logits(index);

    public double Seconds(in TickLoad load) =>
        _options.Predict?.Invoke(load.Rows, load.Selected, load.Context) ?? _options.SecondsPerTick + load.Rows * _options.SecondsPerRow;

    public void Dispose()
    {
        IsDisposed = true;
        Gate.Open();
        _options.OnDispose?.Invoke();
    }

    private ulong Write(int row)
    {
        int slot = Rows.RowSlots[row];
        int position = Rows.Positions[row];
        int token = Rows.Tokens[row];
        Require((uint)slot < (uint)Rows.Slots, "slot out of range");
        Require((uint)position < (uint)_options.ContextLength, "position out of range");
        Require((uint)token < (uint)_options.VocabularySize, "token out of range");
        return _memory.Write(slot, position, token);
    }

    private void FillLogits(int index, ulong hash, int length)
    {
        var logits = _logits.AsSpan(index * _options.VocabularySize, _options.VocabularySize);
        for (int token = 0; token < logits.Length; token++)
        {
            ulong mixed = Mix(hash + (ulong)token * 0x9E3779B97F4A7C15);
            logits[token] = (mixed >> 40) * (12f / (1 << 24)) - 6f;
        }

        int preferred = _options.Next?.Invoke(_memory.History(length)) ?? -1;
        if (preferred >= 0)
        {
            logits[preferred] = 100f;
        }
    }

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }

    private static InvalidOperationException Fault(string message) => new("fake executor: " + message);

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw Fault(message);
        }
    }
}
