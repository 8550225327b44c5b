namespace LlmServe.Cli.LoadTest;

/// <summary>Keeps a fair choice of finished answers, however many there are. Thread-safe.</summary>
/// <param name="capacity">Most answers kept.</param>
/// <param name="seed">Key of the choice.</param>
internal sealed class AnswerStore(int capacity, ulong seed)
{
    private readonly Lock _lock = new();
    private readonly List<(long Number, int[] Tokens)> _kept = [];
    private readonly Random _random = new((int)seed);

    /// <summary>Answers offered.</summary>
    public long Offered { get; private set; }

    /// <summary>The answers kept, by number of their request.</summary>
    public IReadOnlyList<(long Number, int[] Tokens)> Kept
    {
        get
        {
            lock (_lock)
            {
                return [.. _kept.OrderBy(answer => answer.Number)];
            }
        }
    }

    /// <summary>An answer is complete; it is kept with the same probability as every other (reservoir sampling).</summary>
    public void Offer(long number, IReadOnlyList<int> tokens)
    {
        lock (_lock)
        {
            Offered++;
            if (_kept.Count < capacity)
            {
                _kept.Add((number, [.. tokens]));
            }
            else if (_random.NextInt64(Offered) is var place && place < capacity)
            {
                _kept[(int)place] = (number, [.. tokens]);
            }
        }
    }
}
