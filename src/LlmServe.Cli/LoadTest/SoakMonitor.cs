using System.Diagnostics;
using LlmServe.Server;

namespace LlmServe.Cli.LoadTest;

/// <summary>The process and its engine at one moment.</summary>
/// <param name="Seconds">Since the start.</param>
/// <param name="ResidentBytes">Of the process, less the KV memory that had been written until then: it fills as prompts are cached, up to its budget.</param>
/// <param name="HeapBytes">Managed memory.</param>
/// <param name="FreeBlocks">KV blocks that no sequence holds, cached ones included.</param>
/// <param name="Running">Sequences that run.</param>
/// <param name="Waiting">Requests that wait.</param>
/// <param name="Open">Requests that clients have open.</param>
/// <param name="Ended">Requests that have ended.</param>
internal sealed record SoakSample(
    double Seconds, long ResidentBytes, long HeapBytes, int FreeBlocks, int Running, int Waiting, int Open, long Ended);

/// <summary>What a soak has shown.</summary>
/// <param name="Samples">In order.</param>
/// <param name="LostBlocks">KV blocks that did not come back.</param>
/// <param name="LeftSequences">Sequences that still run or wait though no client has a request open.</param>
internal sealed record SoakResult(IReadOnlyList<SoakSample> Samples, int LostBlocks, int LeftSequences)
{
    /// <summary>Growth that is taken for noise, in bytes: thread stacks, allocator arenas, the collector's budget.</summary>
    public const long Noise = 32 << 20;

    private const double NoiseShare = 0.05;

    /// <summary>Growth of the resident memory without KV over the second half, in bytes per hour (least squares).</summary>
    public double ResidentSlope => Slope(sample => sample.ResidentBytes);

    /// <summary>Growth of the managed heap over the second half, in bytes per hour (least squares).</summary>
    public double HeapSlope => Slope(sample => sample.HeapBytes);

    /// <summary>What is not as it should be.</summary>
    public IEnumerable<string> Violations
    {
        get
        {
            if (LostBlocks != 0)
            {
                yield return $"{LostBlocks} KV blocks did not come back";
            }

            if (LeftSequences != 0)
            {
                yield return $"{LeftSequences} sequences were left behind without a client";
            }

            if (IsGrowth(ResidentSlope, sample => sample.ResidentBytes))
            {
                yield return "resident memory grows";
            }

            if (IsGrowth(HeapSlope, sample => sample.HeapBytes))
            {
                yield return "the managed heap grows";
            }
        }
    }

    /// <summary>The first half fills caches and pools; what leaks goes on growing.</summary>
    private IEnumerable<SoakSample> SecondHalf => Samples.Skip(Samples.Count / 2);

    private bool IsGrowth(double slope, Func<SoakSample, long> value)
    {
        if (Samples.Count < 2)
        {
            return false;
        }

        double hours = (Samples[^1].Seconds - SecondHalf.First().Seconds) / 3600;
        return slope * hours > Math.Max(Noise, NoiseShare * value(SecondHalf.First()));
    }

    private double Slope(Func<SoakSample, long> value)
    {
        double[] x = [.. SecondHalf.Select(sample => sample.Seconds / 3600)];
        double[] y = [.. SecondHalf.Select(sample => (double)value(sample))];
        if (x.Length < 2)
        {
            return 0;
        }

        double meanX = x.Average(), meanY = y.Average();
        double spread = x.Sum(value => (value - meanX) * (value - meanX));
        return spread == 0 ? 0 : x.Zip(y, (a, b) => (a - meanX) * (b - meanY)).Sum() / spread;
    }
}

/// <summary>Watches memory, blocks and streams of a server in this process.</summary>
/// <param name="server">The server.</param>
/// <param name="statistics">What clients see.</param>
internal sealed class SoakMonitor(HostedServer server, LoadStatistics statistics)
{
    private const int LeastSamples = 20;
    private static readonly TimeSpan ShortestInterval = TimeSpan.FromMilliseconds(1); // what a timer can do
    private static readonly TimeSpan LongestInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan QuietLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(20);

    private readonly List<SoakSample> _samples = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private int _writtenBlocks;

    /// <summary>Takes a sample each minute, or 20 of a shorter run, until <paramref name="stop"/> is cancelled.</summary>
    public async Task RunAsync(TimeSpan duration, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromTicks(Math.Clamp(duration.Ticks / LeastSamples, ShortestInterval.Ticks, LongestInterval.Ticks)));
        while (!stop.IsCancellationRequested)
        {
            Sample();
            await ((Task)timer.WaitForNextTickAsync(stop).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>After the last client: waits until the engine is idle, or for ten seconds, and counts what is left.</summary>
    public async Task<SoakResult> FinishAsync(CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        while (server.Model.Engine.Statistics is { Running: > 0 } or { Waiting: > 0 } && Stopwatch.GetElapsedTime(start) < QuietLimit)
        {
            await Task.Delay(LookAgain, cancellation);
        }

        Sample();
        var engine = server.Model.Engine.Statistics;
        return new SoakResult(_samples, engine.KvBlocks - engine.FreeKvBlocks, engine.Running + engine.Waiting);
    }

    private void Sample()
    {
        var engine = server.Model.Engine.Statistics;

        // Collected first: what has merely not been collected yet would hide a small leak. It costs milliseconds each minute.
        GC.Collect();

        // Free blocks are taken before cached ones are evicted, so what was ever written follows from how many have content now.
        _writtenBlocks = Math.Max(_writtenBlocks, engine.KvBlocks - engine.FreeKvBlocks + engine.CachedKvBlocks);
        _samples.Add(new SoakSample(
            Stopwatch.GetElapsedTime(_start).TotalSeconds, Environment.WorkingSet - _writtenBlocks * server.Model.Model.Executor.Memory.KvGroups.Sum(group => group.BlockBytes), GC.GetTotalMemory(false),
            engine.FreeKvBlocks, engine.Running, engine.Waiting, statistics.Open, statistics.Ended));
    }
}
