using System.Diagnostics;

namespace LlmServe.Cli.LoadTest;

/// <summary>Runs clients until the plan is fulfilled.</summary>
internal sealed class LoadRunner
{
    private readonly LoadTestPlan _plan;
    private readonly RequestFactory _factory;
    private readonly LoadStatistics _statistics;
    private readonly Lock _lock = new();
    private readonly Random _arrivals;
    private readonly LoadClient[] _clients;
    private long _begin;
    private double _due; // seconds after _begin, of the latest arrival
    private long _next;

    /// <param name="plan">What to send, and when.</param>
    /// <param name="factory">Makes the requests.</param>
    /// <param name="target">The server.</param>
    /// <param name="statistics">Told what happens.</param>
    /// <param name="answers">Given finished answers; null: nobody wants them.</param>
    public LoadRunner(LoadTestPlan plan, RequestFactory factory, LoadTarget target, LoadStatistics statistics, AnswerStore? answers)
    {
        _plan = plan;
        _factory = factory;
        _statistics = statistics;
        _arrivals = new Random((int)plan.Seed);
        _clients = [.. Enumerable.Range(0, plan.Streams).Select(_ => new LoadClient(target, statistics, answers))];
    }

    /// <summary>How much of the plan is done, 0 … 1.</summary>
    public double Share => _begin == 0 ? 0 : Math.Min(1, Math.Max(
        _plan.Requests is { } requests ? (double)_statistics.Ended / requests : 0,
        _plan.Duration is { } duration ? Stopwatch.GetElapsedTime(_begin) / duration : 0));

    /// <summary>While it says so, closed streams go on beyond the plan, so that what is measured beside them has company.</summary>
    public Func<bool> GoOn { get; init; } = static () => false;

    /// <summary>Sends everything and waits for all ends.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        _begin = Stopwatch.GetTimestamp();
        try
        {
            if (_plan.Arrival.Kind == ArrivalKind.Burst)
            {
                await RunBurstsAsync(cancellation);
            }
            else
            {
                await Task.WhenAll(_clients.Select(client => Task.Run(() => RunClientAsync(client, cancellation), cancellation)));
            }
        }
        finally
        {
            foreach (var client in _clients)
            {
                client.Dispose();
            }
        }
    }

    private async Task RunClientAsync(LoadClient client, CancellationToken cancellation)
    {
        while (TakeNext() is { } arrival)
        {
            var wait = TimeSpan.FromSeconds((arrival.Due - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, cancellation);
            }

            await client.RunAsync(_factory.Create(arrival.Number), arrival.Due, cancellation);
        }
    }

    private async Task RunBurstsAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var runs = new List<Task>();
            foreach (var client in _clients)
            {
                if (TakeNext() is { } arrival)
                {
                    runs.Add(Task.Run(() => client.RunAsync(_factory.Create(arrival.Number), arrival.Due, cancellation), cancellation));
                }
            }

            if (runs.Count == 0)
            {
                return;
            }

            await Task.WhenAll(runs);
        }
    }

    /// <summary>The next request's number and when it is due (Stopwatch ticks); null: the plan is fulfilled.</summary>
    private (long Number, long Due)? TakeNext()
    {
        lock (_lock)
        {
            long due = Stopwatch.GetTimestamp();
            if (_plan.Arrival.Kind == ArrivalKind.Poisson)
            {
                _due -= Math.Log(1 - _arrivals.NextDouble()) / _plan.Arrival.Rate;
                due = _begin + (long)(_due * Stopwatch.Frequency);
            }

            bool fulfilled = _next >= _plan.Requests || Stopwatch.GetElapsedTime(_begin, due) >= _plan.Duration;
            return fulfilled && !GoOn() ? null : (_next++, due);
        }
    }
}
