namespace LlmServe.Cpu.Execution;

/// <summary>
/// The threads behind one or several <see cref="LanePool"/>s: the calling thread is lane 0, the others are dedicated. Pools that share them run in
/// turns, so that no thread of an idle pool spins beside the pool that runs. Between runs a lane spins for a short while and then sleeps.
/// </summary>
internal sealed unsafe class LaneThreads
{
    private const int IdleSpins = 20000;

    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private readonly Thread[] _threads;
    private LanePool? _pool;
    private int _generation;
    private int _users = 1;
    private volatile bool _stopping;

    /// <param name="lanes">Number of lanes, at least one.</param>
    public LaneThreads(int lanes)
    {
        Lanes = lanes;
        Barrier = new LaneBarrier(lanes);
        _wake = [.. Enumerable.Range(0, lanes).Select(_ => new SemaphoreSlim(0))];
        _asleep = new int[lanes * 32];
        _threads = [.. Enumerable.Range(1, lanes - 1).Select(lane => new Thread(() => LaneLoop(lane)) { IsBackground = true, Name = $"lane {lane}" })];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>Number of lanes.</summary>
    public int Lanes { get; }

    /// <summary>Where lanes wait for each other.</summary>
    public LaneBarrier Barrier { get; }

    /// <summary>Lets every lane but 0, the caller, play its part of a pool's program. Only one pool at a time may run.</summary>
    public void Begin(LanePool pool)
    {
        _pool = pool;
        Interlocked.Increment(ref _generation);
        for (int lane = 1; lane < Lanes; lane++)
        {
            if (Interlocked.Exchange(ref _asleep[lane * 32], 0) == 1)
            {
                _wake[lane].Release();
            }
        }
    }

    /// <summary>One more pool uses the threads.</summary>
    public LaneThreads Share()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    /// <summary>A pool needs the threads no more; with the last one they end.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0)
        {
            return;
        }

        _stopping = true;
        Interlocked.Increment(ref _generation);
        foreach (var wake in _wake)
        {
            wake.Release();
        }

        foreach (var thread in _threads)
        {
            thread.Join();
        }

        Barrier.Dispose();
    }

    private void LaneLoop(int lane)
    {
        int seen = 0;
        while (WaitForRun(lane, seen))
        {
            seen++;
            _pool!.Play(lane);
        }
    }

    private bool WaitForRun(int lane, int seen)
    {
        for (int spin = 0; spin < IdleSpins; spin++)
        {
            if (Volatile.Read(ref _generation) != seen)
            {
                return !_stopping;
            }

            LaneBarrier.Pause();
        }

        Interlocked.Exchange(ref _asleep[lane * 32], 1);
        if (Volatile.Read(ref _generation) != seen && Interlocked.Exchange(ref _asleep[lane * 32], 0) == 1)
        {
            // The run began between the last look and falling asleep, and nobody was told to wake this lane.
            return !_stopping;
        }

        _wake[lane].Wait();
        return !_stopping;
    }
}
