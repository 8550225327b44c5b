using System.Diagnostics;
using System.Runtime.InteropServices;
using LlmServe.Cpu.Memory;

namespace LlmServe.Cpu.Execution;

/// <summary>The lanes of an executor: threads, its own or another pool's, with state and scratch of its own. A run plays one list of steps per lane with barriers between phases.</summary>
internal sealed unsafe class LanePool : IDisposable
{
    private readonly LaneThreads _threads;
    private readonly LaneState* _states;
    private readonly NativeBuffer[] _scratch;
    private Step** _program;
    private long** _stamps;

    /// <param name="lanes">Number of lanes, at least one.</param>
    /// <param name="scratchBytes">Private memory of each lane.</param>
    /// <param name="tick">What kernels read.</param>
    public LanePool(int lanes, long scratchBytes, TickState* tick) : this(new LaneThreads(lanes), scratchBytes, tick)
    {
    }

    /// <summary>A pool on the threads of another; the two never run at the same time.</summary>
    public LanePool(LanePool host, long scratchBytes, TickState* tick) : this(host._threads.Share(), scratchBytes, tick)
    {
    }

    private LanePool(LaneThreads threads, long scratchBytes, TickState* tick)
    {
        _threads = threads;
        _states = (LaneState*)NativeMemory.AllocZeroed((nuint)Lanes, (nuint)sizeof(LaneState));
        _scratch = [.. Enumerable.Range(0, Lanes).Select(_ => new NativeBuffer(scratchBytes))];
        for (int lane = 0; lane < Lanes; lane++)
        {
            _states[lane] = new LaneState { Lane = lane, Lanes = Lanes, Tick = tick, Scratch = _scratch[lane].Data };
        }
    }

    public int Lanes => _threads.Lanes;

    /// <summary>Plays a program: one array of steps per lane, each ended by a step without kernel and Begin = −1. Returns when all lanes are done.</summary>
    public void Run(Step** program)
    {
        Begin(program);
        End();
    }

    /// <summary>Starts all lanes but the calling thread's, which plays its part in <see cref="End"/>.</summary>
    public void Begin(Step** program)
    {
        _program = program;
        _threads.Begin(this);
    }

    /// <summary>Plays the calling thread's part of what was begun; returns when all lanes are done.</summary>
    public void End() => Play(0);

    /// <summary>The same as <see cref="Run"/>, and takes the time after every step of every lane.</summary>
    /// <param name="program">As for <see cref="Run"/>.</param>
    /// <param name="stamps">For each lane as many timestamps as it has steps.</param>
    public void RunTimed(Step** program, long** stamps)
    {
        _stamps = stamps;
        Run(program);
        _stamps = null;
    }

    /// <summary>Plays a lane's part of the current run, on that lane's thread.</summary>
    public void Play(int lane)
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
                _threads.Barrier.Wait(lane);
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
                _threads.Barrier.Wait(state->Lane);
            }
            else
            {
                step->Run(step, state);
            }

            *stamp++ = Stopwatch.GetTimestamp();
            if (isLast)
            {
                // Nobody goes on before all have written their last timestamp.
                _threads.Barrier.Wait(state->Lane);
                return;
            }
        }
    }

    public void Dispose()
    {
        _threads.Release();
        foreach (var scratch in _scratch)
        {
            scratch.Dispose();
        }

        NativeMemory.Free(_states);
    }
}
