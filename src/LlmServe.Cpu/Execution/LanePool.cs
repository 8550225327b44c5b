using System.Diagnostics;
using System.Runtime.InteropServices;
using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Execution;

/// <summary>
/// The lanes: the calling thread is lane 0, the others are dedicated threads. A run plays one list of steps per lane with barriers between phases.
/// Between runs a lane spins for a short while and then sleeps.
/// </summary>
internal sealed unsafe class LanePool : IDisposable
{
    private const int IdleSpins = 20000;

    private readonly LaneBarrier _barrier;
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _wake;
    private readonly int[] _asleep;
    private readonly LaneState* _states;
    private readonly NativeBuffer[] _scratch;
    private Step** _program;
    private long** _stamps;
    private int _generation;
    private volatile bool _stopping;

    /// <param name="lanes">Number of lanes, at least one.</param>
    /// <param name="scratchBytes">Private memory of each lane.</param>
    /// <param name="tick">What kernels read.</param>
    public LanePool(int lanes, long scratchBytes, TickState* tick)
    {
        Lanes = lanes;
        _barrier = new LaneBarrier(lanes);
        _states = (LaneState*)NativeMemory.AllocZeroed((nuint)lanes, (nuint)sizeof(LaneState));
        _scratch = [.. Enumerable.Range(0, lanes).Select(_ => new NativeBuffer(scratchBytes))];
        for (int lane = 0; lane < lanes; lane++)
        {
            _states[lane] = new LaneState { Lane = lane, Lanes = lanes, Tick = tick, Scratch = _scratch[lane].Data };
        }

        _wake = [.. Enumerable.Range(0, lanes).Select(_ => new SemaphoreSlim(0))];
        _asleep = new int[lanes * 32];
        _threads = [.. Enumerable.Range(1, lanes - 1).Select(lane => new Thread(() => LaneLoop(lane)) { IsBackground = true, Name = $"lane {lane}" })];
        foreach (var thread in _threads)
        {
            thread.Start();
        }
    }

    public int Lanes { get; }

    /// <summary>Plays a program: one array of steps per lane, each ended by a step without kernel and Begin = −1. Returns when all lanes are done.</summary>
    public void Run(Step** program)
    {
        _program = program;
        Interlocked.Increment(ref _generation);
        for (int lane = 1; lane < Lanes; lane++)
        {
            if (Interlocked.Exchange(ref _asleep[lane * 32], 0) == 1)
            {
                _wake[lane].Release();
            }
        }

        Play(0);
    }

    /// <summary>The same as <see cref="Run"/>, and takes the time after every step of every lane.</summary>
    /// <param name="program">As for <see cref="Run"/>.</param>
    /// <param name="stamps">For each lane as many timestamps as it has steps.</param>
    public void RunTimed(Step** program, long** stamps)
    {
        _stamps = stamps;
        Run(program);
        _stamps = null;
    }

    private void Play(int lane)
    {
        var state = _states + lane;
        if (_stamps != null)
        {
            PlayTimed(_program[lane], state, _stamps[lane]);
            return;
        }

        for (var step = _program[lane]; ; step++)
        {
            if (step->Run != null)
            {
                step->Run(step, state);
            }
            else
            {
                // Read before: once the last barrier is passed the program may be gone.
                bool isLast = step->Begin < 0;
                _barrier.Wait(lane);
                if (isLast)
                {
                    return;
                }
            }
        }
    }

    private void PlayTimed(Step* step, LaneState* state, long* stamp)
    {
        for (; ; step++)
        {
            bool isBarrier = step->Run == null, isLast = isBarrier && step->Begin < 0;
            if (isBarrier)
            {
                _barrier.Wait(state->Lane);
            }
            else
            {
                step->Run(step, state);
            }

            *stamp++ = Stopwatch.GetTimestamp();
            if (isLast)
            {
                // Nobody goes on before all have written their last timestamp.
                _barrier.Wait(state->Lane);
                return;
            }
        }
    }

    private void LaneLoop(int lane)
    {
        int seen = 0;
        while (WaitForRun(lane, seen))
        {
            seen++;
            Play(lane);
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

    public void Dispose()
    {
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

        _barrier.Dispose();
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }

        NativeMemory.Free(_states);
    }
}
