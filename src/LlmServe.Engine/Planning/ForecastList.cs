namespace LlmServe.Engine.Planning;

/// <summary>Entries of a forecast in no order.</summary>
/// <param name="capacity">Most entries.</param>
internal sealed class ForecastList(int capacity)
{
    private readonly ForecastEntry[] _entries = new ForecastEntry[capacity];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>All of them.</summary>
    public Span<ForecastEntry> Span => _entries.AsSpan(0, Count);

    /// <summary>An entry.</summary>
    public ref ForecastEntry this[int index] => ref _entries[index];

    /// <summary>Adds an entry behind the others.</summary>
    public void Add(in ForecastEntry entry) => _entries[Count++] = entry;

    /// <summary>Takes an entry out; the last one gets its place.</summary>
    public ForecastEntry Take(int index)
    {
        var entry = _entries[index];
        _entries[index] = _entries[--Count];
        return entry;
    }
}
