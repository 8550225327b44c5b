using System.Diagnostics;
using System.Runtime.InteropServices;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Profile;

/// <summary>Plays a program once with timestamps and turns these into a timeline.</summary>
internal static unsafe class TickRecorder
{
    /// <summary>Plays <paramref name="lowered"/>; the tick's state must be prepared.</summary>
    public static Timeline Record(LanePool lanes, LoweredProgram lowered)
    {
        var program = lowered.Program;
        int steps = Enumerable.Range(0, program.Lanes).Max(lane => program.Phases.Sum(p => p.Lanes[lane].Count + 1));
        long* stamps = (long*)NativeMemory.AllocZeroed((nuint)(program.Lanes * steps), sizeof(long));
        long** perLane = (long**)NativeMemory.AllocZeroed((nuint)program.Lanes, (nuint)sizeof(long*));
        try
        {
            for (int lane = 0; lane < program.Lanes; lane++)
            {
                perLane[lane] = stamps + ((nint)lane * steps);
            }

            long start = Stopwatch.GetTimestamp();
            lanes.RunTimed(lowered.Steps, perLane);
            return ToTimeline(program, perLane, start, Stopwatch.GetTimestamp());
        }
        finally
        {
            NativeMemory.Free(perLane);
            NativeMemory.Free(stamps);
        }
    }

    private static Timeline ToTimeline(StreamProgram program, long** stamps, long start, long end)
    {
        int[] next = new int[program.Lanes];
        var phases = new PhaseTimes[program.Phases.Count];
        long phaseStart = start;
        for (int p = 0; p < phases.Length; p++)
        {
            var lanes = new Interval[program.Lanes][];
            long last = phaseStart;
            for (int lane = 0; lane < program.Lanes; lane++)
            {
                lanes[lane] = new Interval[program.Phases[p].Lanes[lane].Count];

                // A lane begins when it has left the barrier before; in the first phase, when it was woken, which nobody saw.
                long at = p == 0 ? start : stamps[lane][next[lane] - 1];
                for (int i = 0; i < lanes[lane].Length; i++)
                {
                    long done = stamps[lane][next[lane]++];
                    lanes[lane][i] = new Interval(Math.Max(0, Seconds(at - phaseStart)), Seconds(done - at));
                    at = done;
                }

                last = Math.Max(last, stamps[lane][next[lane]++]);
            }

            phases[p] = new PhaseTimes(Seconds(last - phaseStart), lanes);
            phaseStart = last;
        }

        return new Timeline(program, phases, Seconds(end - start));
    }

    private static double Seconds(long ticks) => (double)ticks / Stopwatch.Frequency;
}
