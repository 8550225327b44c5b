using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Tests;

/// <summary>Lanes: every run plays every step once, in phases, whatever the pauses between runs.</summary>
public class LanePoolTests
{
    /// <summary>Far above what the runs take; a lost wake-up fails here instead of hanging the suite.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(90);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(8)]
    public Task Run_ManyTimesWithIdleGaps_PlaysEveryPhaseOnEveryLane(int lanes) => Bounded(() => PoolRuns.WithGaps(lanes, runs: 120));

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public Task Run_TwoPoolsOnTheSameThreads_TakeTurns(int lanes, bool hostGoesFirst) =>
        Bounded(() => PoolRuns.Shared(lanes, runs: 200, hostGoesFirst));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public Task Dispose_NeverRun_Returns(int lanes) => Bounded(() => PoolRuns.Disposed(lanes, runs: 0, idleSpins: 0));

    [Fact]
    public Task Dispose_WhileLanesSpinOrSleep_Returns() => Bounded(() =>
    {
        for (int round = 0; round < 60; round++)
        {
            PoolRuns.Disposed(lanes: 3, runs: 1, idleSpins: round * 700);
        }
    });

    private static async Task Bounded(Action action)
    {
        var work = Task.Run(action);
        Assert.Same(work, await Task.WhenAny(work, Task.Delay(Bound)));
        await work;
    }
}

/// <summary>Runs of lane pools over programs that count.</summary>
internal static unsafe class PoolRuns
{
    /// <summary>Many runs with pauses from none to beyond the bound after which idle lanes fall asleep.</summary>
    public static void WithGaps(int lanes, int runs)
    {
        var random = new Random(lanes);
        using var program = new CountingProgram(lanes, phases: 5);
        using var pool = new LanePool(lanes, 4096, null);
        Assert.Equal(lanes, pool.Lanes);
        for (int run = 1; run <= runs; run++)
        {
            pool.Run(program.Steps);
            program.AssertPlayed(run);
            Idle(run % 3 == 0 ? random.Next(60_000) : random.Next(200));
        }
    }

    /// <summary>Two pools in random turns, with pauses; the one that stays works on when the other is gone.</summary>
    public static void Shared(int lanes, int runs, bool hostGoesFirst)
    {
        var random = new Random(lanes);
        using var first = new CountingProgram(lanes, phases: 5);
        using var second = new CountingProgram(lanes, phases: 3);
        var host = new LanePool(lanes, 4096, null);
        var guest = new LanePool(host, 64, null);
        Assert.Equal(lanes, guest.Lanes);
        int firstRuns = 0, secondRuns = 0;
        for (int run = 1; run <= runs; run++)
        {
            bool isHost = random.Next(2) == 0;
            (isHost ? host : guest).Run((isHost ? first : second).Steps);
            first.AssertPlayed(firstRuns += isHost ? 1 : 0);
            second.AssertPlayed(secondRuns += isHost ? 0 : 1);
            Idle(run % 5 == 0 ? random.Next(60_000) : random.Next(200));
        }

        (hostGoesFirst ? host : guest).Dispose();
        using var left = hostGoesFirst ? guest : host;
        left.Run((hostGoesFirst ? second : first).Steps);
        (hostGoesFirst ? second : first).AssertPlayed((hostGoesFirst ? secondRuns : firstRuns) + 1);
    }

    /// <summary>A pool that is disposed a while after some runs.</summary>
    public static void Disposed(int lanes, int runs, int idleSpins)
    {
        using var program = new CountingProgram(lanes, phases: 2);
        using var pool = new LanePool(lanes, 64, null);
        for (int run = 1; run <= runs; run++)
        {
            pool.Run(program.Steps);
            program.AssertPlayed(run);
        }

        Idle(idleSpins);
    }

    private static void Idle(int spins)
    {
        for (int i = 0; i < spins; i++)
        {
            LaneBarrier.Pause();
        }
    }
}

/// <summary>A program whose steps count how often they ran, and count a violation when another lane is behind.</summary>
internal sealed unsafe class CountingProgram : IDisposable
{
    private const int Line = 32;

    private readonly int _lanes, _phases;
    private readonly NativeBuffer _counters, _lists;
    private readonly NativeBuffer[] _steps;

    public CountingProgram(int lanes, int phases)
    {
        (_lanes, _phases) = (lanes, phases);
        _counters = new NativeBuffer((lanes + 1) * Line * sizeof(int));
        _lists = new NativeBuffer(lanes * sizeof(Step*));
        _steps = [.. Enumerable.Range(0, lanes).Select(_ => new NativeBuffer(2L * phases * sizeof(Step)))];
        for (int lane = 0; lane < lanes; lane++)
        {
            var step = Steps[lane] = (Step*)_steps[lane].Data;
            for (int phase = 0; phase < phases; phase++)
            {
                *step++ = new Step { Run = &Count, Begin = lanes, Weight = (Matrix*)_counters.Data };
                *step++ = new Step { Begin = phase == phases - 1 ? -1 : 0 };
            }
        }
    }

    public Step** Steps => (Step**)_lists.Data;

    public void AssertPlayed(int runs)
    {
        int* counters = (int*)_counters.Data;
        for (int lane = 0; lane < _lanes; lane++)
        {
            Assert.Equal(runs * _phases, counters[lane * Line]);
        }

        Assert.Equal(0, counters[_lanes * Line]);
    }

    public void Dispose()
    {
        Array.ForEach(_steps, s => s.Dispose());
        _lists.Dispose();
        _counters.Dispose();
    }

    private static void Count(Step* step, LaneState* lane)
    {
        int* counters = (int*)step->Weight;
        int mine = Volatile.Read(ref counters[lane->Lane * Line]);
        for (int other = 0; other < step->Begin; other++)
        {
            // Behind a barrier all others are in this phase or have finished it.
            int theirs = Volatile.Read(ref counters[other * Line]);
            if (theirs < mine || theirs > mine + 1)
            {
                Interlocked.Increment(ref counters[step->Begin * Line]);
            }
        }

        Volatile.Write(ref counters[lane->Lane * Line], mine + 1);
    }
}
