using BenchmarkDotNet.Attributes;
using LlmServe.Engine;
using LlmServe.Engine.Planning;
using LlmServe.Engine.Scheduling;
using LlmServe.Engine.Streams;
using LlmServe.Execution;
using LlmServe.Text;

namespace LlmServe.Benchmarks;

/// <summary>What the scheduler takes beside ticks: filling a row table, and the forecast that a request gets when it comes.</summary>
public class PlanningSuite
{
    private const int Slots = 64;
    private const int Rows = 256;

    private GenerationLoop? _loop;
    private WorkBoard? _board;

    /// <summary>Requests that wait beside 64 that run.</summary>
    [Params(0, 256)]
    public int Waiting { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var executor = new StillExecutor(Rows, Slots);
        var options = new EngineOptions { MaxSequences = Slots, MaxQueue = 256, Speculate = 0, PrefixCache = false, StreamCapacity = 1_000_000 };
        _loop = new GenerationLoop(executor, new StillTokenizer(), options, _ => { });
        for (int i = 0; i < Slots + Waiting; i++)
        {
            Add(i, 100 + (i % 7 * 30));
            if (i < Slots)
            {
                Step(3); // all but the last few decode
            }
        }

        _board = new WorkBoard(executor, _loop.Predictor, options, Slots);
        _loop.Post(_board);
    }

    /// <summary>Ends, entries, and the row table of a tick.</summary>
    [Benchmark]
    public bool FillRows() => _loop!.Prepare();

    /// <summary>What a request would get that comes now.</summary>
    [Benchmark]
    public double Forecast() => _board!.Run(_board.CopyWith([], [], WorkBoard.NewEntry(200, 128, 0), "client 3")).FirstToken;

    private void Add(int i, int length)
    {
        var request = new GenerationRequest { Prompt = [1], MaxTokens = 1000, IgnoreEndOfGeneration = true, Client = $"client {i % 8}" };
        _loop!.Add(new Sequence(i, request, new int[length], length + 200 + (i % 5 * 100), new StillTokenizer(), new UpdateStream(1_000_000, () => { })));
    }

    private void Step(int ticks)
    {
        for (int i = 0; i < ticks; i++)
        {
            _loop!.Step();
        }
    }

    /// <summary>A machine that does nothing in no time; its costs are those of 135 million parameters or so.</summary>
    private sealed class StillExecutor : IProgramExecutor, ISequenceMemory, ITickCosts
    {
        private readonly float[] _logits = new float[512];

        public StillExecutor(int rows, int slots)
        {
            Rows = new RowTable(rows, slots, 64);
            KvGroups = [new KvGroup(1, slots * 64, 1, KvVisibility.All)];
        }

        public ModelInfo Model { get; } = new("still", 512, 2048, 1, ActivationMode.Int8, KvElement.F16, "still-0");

        public string Backend => "none";

        public ISequenceMemory Memory => this;

        public ITickCosts Costs => this;

        public IReadOnlyList<KvGroup> KvGroups { get; }

        public IStateMemory? States => null;

        public bool IsMeasured => true;

        public RowTable Rows { get; }

        public IReadOnlyList<ITickOutput> Outputs => [];

        public IReadOnlyList<ITickInput> Inputs => [];

        public void Measure()
        {
        }

        public double Seconds(in TickLoad load) => 0.003 + (load.Rows * (0.0004 + (load.Context * 1e-8)));

        public void BeginTick()
        {
        }

        public void EndTick()
        {
        }

        public ReadOnlySpan<float> Logits(int index) => _logits;

        public void Dispose()
        {
        }
    }

    /// <summary>Tokens without text.</summary>
    private sealed class StillTokenizer : ITokenizer
    {
        public int VocabularySize => 512;

        public int? BosId => null;

        public int? EosId => null;

        public IReadOnlySet<int> EndOfGenerationIds { get; } = new HashSet<int>();

        public bool StripsLeadingSpace => false;

        public void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default)
        {
        }

        public ReadOnlySpan<byte> BytesOf(int id) => [];

        public string PieceOf(int id) => "";

        public TokenKind KindOf(int id) => TokenKind.Control;
    }
}
