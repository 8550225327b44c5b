using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Profile;

/// <summary>Measures what lanes do together, by playing small programs on them: reading memory, meeting at barriers, starting and ending a run.</summary>
internal static unsafe class LaneMeter
{
    // Short and often: on a shared machine some of the trials have all processors for themselves.
    private const int Barriers = 16;
    private const int SynchronisationTrials = 200;
    private const int ReadTrials = 6;
    private const int LeastTrials = 3;
    private const int LineBytes = 256;

    // Lanes with processors of their own meet in well under a microsecond, those that share one in a time slice.
    private const int MeetingsInARow = 200;
    private const double MostSecondsPerMeeting = 5e-6;

    private const int PrefetchBytes = 2048;

    private static readonly TimeSpan MostSettling = TimeSpan.FromMilliseconds(100);

    /// <summary>No measurement goes on for longer, once it has its least trials.</summary>
    private static readonly long MostTicks = Stopwatch.Frequency / 50;

    /// <summary>
    /// Waits, for a bounded time, until the lanes have processors of their own: threads that have just begun can share one for some milliseconds, and then
    /// everything that they do together takes twice as long.
    /// </summary>
    public static void Settle(LanePool lanes)
    {
        long begin = Stopwatch.GetTimestamp();
        int together = 0;
        while (together < MeetingsInARow && Stopwatch.GetElapsedTime(begin) < MostSettling)
        {
            together = Best(lanes, Barriers, passes: 0, null, 0, trials: 1) < Barriers * MostSecondsPerMeeting ? together + 1 : 0;
        }
    }

    /// <summary>Seconds of a barrier, and of starting and ending a run.</summary>
    public static (double Barrier, double Overhead) Synchronisation(LanePool lanes)
    {
        double one = Best(lanes, barriers: 1, passes: 0, null, 0, SynchronisationTrials);
        double many = Best(lanes, Barriers, passes: 0, null, 0, SynchronisationTrials);
        double barrier = Math.Max(0, many - one) / (Barriers - 1);
        return (barrier, Math.Max(0, one - barrier));
    }

    /// <summary>Bytes per second that the lanes together read, each its own stretch, over and over.</summary>
    /// <param name="lanes">The lanes.</param>
    /// <param name="data">Resident memory.</param>
    /// <param name="bytes">Its length; short ones are read several times per trial and come from a cache, as a tick over them would.</param>
    public static double ReadBandwidth(LanePool lanes, byte* data, long bytes)
    {
        const long LeastPerTrial = 8 << 20;
        int passes = (int)Math.Max(1, LeastPerTrial / Math.Max(1, bytes));
        long read = bytes / lanes.Lanes / LineBytes * LineBytes * lanes.Lanes * passes;
        return Math.Max(1, read) / Best(lanes, barriers: 1, passes, data, bytes, ReadTrials);
    }

    private static double Best(LanePool lanes, int barriers, int passes, byte* data, long bytes, int trials)
    {
        int steps = passes + barriers;
        var program = (Step**)NativeMemory.AllocZeroed((nuint)lanes.Lanes, (nuint)sizeof(Step*));
        var matrices = (Matrix*)NativeMemory.AllocZeroed((nuint)lanes.Lanes, (nuint)sizeof(Matrix));
        long stretch = bytes / lanes.Lanes / LineBytes * LineBytes;
        try
        {
            for (int lane = 0; lane < lanes.Lanes; lane++)
            {
                program[lane] = (Step*)NativeMemory.AllocZeroed((nuint)steps, (nuint)sizeof(Step));
                matrices[lane] = new Matrix { Packed = data + (lane * stretch), TileBytes = stretch };
                for (int i = 0; i < passes; i++)
                {
                    program[lane][i].Run = &Read;
                    program[lane][i].Weight = matrices + lane;
                }

                program[lane][steps - 1].Begin = -1;
            }

            return FastestRun(lanes, program, trials);
        }
        finally
        {
            for (int lane = 0; lane < lanes.Lanes; lane++)
            {
                NativeMemory.Free(program[lane]);
            }

            NativeMemory.Free(matrices);
            NativeMemory.Free(program);
        }
    }

    private static double FastestRun(LanePool lanes, Step** program, int trials)
    {
        lanes.Run(program);
        long fastest = long.MaxValue, begin = Stopwatch.GetTimestamp();
        for (int trial = 0; trial < trials && (trial < LeastTrials || Stopwatch.GetTimestamp() - begin < MostTicks); trial++)
        {
            long start = Stopwatch.GetTimestamp();
            lanes.Run(program);
            fastest = Math.Min(fastest, Stopwatch.GetTimestamp() - start);
        }

        return Math.Max(1, fastest) / (double)Stopwatch.Frequency;
    }

    private static void Read(Step* step, LaneState* lane)
    {
        byte* data = step->Weight->Packed;
        var a = Vector256<byte>.Zero;
        var b = a;
        var c = a;
        var d = a;
        for (nint i = 0; i < (nint)step->Weight->TileBytes; i += LineBytes)
        {
            for (int line = 0; Sse.IsSupported && line < LineBytes; line += 64)
            {
                Sse.Prefetch0(data + i + PrefetchBytes + line);
            }

            a ^= Vector256.Load(data + i) ^ Vector256.Load(data + i + 32);
            b ^= Vector256.Load(data + i + 64) ^ Vector256.Load(data + i + 96);
            c ^= Vector256.Load(data + i + 128) ^ Vector256.Load(data + i + 160);
            d ^= Vector256.Load(data + i + 192) ^ Vector256.Load(data + i + 224);
        }

        // Stored, so that the reads are not optimised away.
        (a ^ b ^ c ^ d).Store(lane->Scratch);
    }
}
