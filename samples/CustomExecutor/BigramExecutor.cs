using LlmServe.Execution;

namespace LlmServe.Samples.CustomExecutor;

/// <summary>
/// The smallest machine below an engine: it knows which token followed which in a text, and nothing else. What an executor for another device has to offer is all here:
/// ticks over a row table, the memory of sequences (here none is needed, but the engine plans with it), and what ticks cost.
/// </summary>
internal sealed class BigramExecutor : IProgramExecutor, ISequenceMemory, ITickCosts, ITickOutput
{
    private const int Context = 1024;
    private const int Slots = 4;
    private const int RowsPerTick = 32;
    private const double SecondsPerRow = 1e-5;

    private readonly Dictionary<int, Dictionary<int, int>> _followers = [];
    private readonly float[] _logits; // [selected rows, vocabulary]

    /// <param name="vocabulary">Width of a row of logits.</param>
    /// <param name="text">The text that it has read.</param>
    public BigramExecutor(int vocabulary, IReadOnlyList<int> text)
    {
        for (int i = 1; i < text.Count; i++)
        {
            var counts = _followers.TryGetValue(text[i - 1], out var known) ? known : _followers[text[i - 1]] = [];
            counts[text[i]] = counts.GetValueOrDefault(text[i]) + 1;
        }

        Model = new ModelInfo("bigram", vocabulary, Context, 0, ActivationMode.F32, KvElement.F32, "sample");
        KvGroups = [new KvGroup(Layers: 0, Blocks: Slots * KvBlock.CountFor(Context), BlockBytes: 0, KvVisibility.All)];
        Rows = new RowTable(RowsPerTick, Slots, KvBlock.CountFor(Context));
        _logits = new float[RowsPerTick * vocabulary];
    }

    public ModelInfo Model { get; }

    public string Backend => "bigrams";

    public RowTable Rows { get; }

    public ISequenceMemory Memory => this;

    public IReadOnlyList<KvGroup> KvGroups { get; }

    public IStateMemory? States => null;

    public IReadOnlyList<ITickOutput> Outputs => [this];

    public IReadOnlyList<ITickInput> Inputs => [];

    public ITickCosts Costs => this;

    public bool IsMeasured => true;

    string ITickOutput.Name => TickOutputs.Logits;

    int ITickOutput.Columns => Model.VocabularySize;

    bool ITickOutput.IsSelected => true;

    public void Measure()
    {
        // Its costs are known.
    }

    public double Seconds(in TickLoad load) => SecondsPerRow * load.Rows;

    public void BeginTick()
    {
        int selected = 0;
        foreach (int row in Rows.SelectedRows)
        {
            var logits = _logits.AsSpan(selected++ * Model.VocabularySize, Model.VocabularySize);
            logits.Fill(-100);
            foreach (var (token, count) in _followers.GetValueOrDefault(Rows.Tokens[row], []))
            {
                logits[token] = MathF.Log(count);
            }
        }
    }

    public void EndTick()
    {
        // All of the work was done when the tick began.
    }

    public ReadOnlySpan<float> Logits(int index) => _logits.AsSpan(index * Model.VocabularySize, Model.VocabularySize);

    public ReadOnlySpan<float> Row(int index) => Logits(index);

    public void Dispose()
    {
        // Nothing but managed memory.
    }
}
