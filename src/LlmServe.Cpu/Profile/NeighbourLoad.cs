using System.Diagnostics;
using System.Globalization;

namespace LlmServe.Cpu.Profile;

/// <summary>How much of the machine other programs used since this object was made. Figures taken beside them are used, but not kept.</summary>
internal sealed class NeighbourLoad
{
    /// <summary>Share of all processors up to which a machine counts as quiet.</summary>
    private const double Quiet = 0.15;

    private const double TicksPerSecond = 100;
    private readonly double _others = OthersSeconds();
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Whether others used little of the machine; true where the system does not tell.</summary>
    public bool WasQuiet
    {
        get
        {
            double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
            return OthersSeconds() - _others <= Quiet * seconds * Environment.ProcessorCount;
        }
    }

    /// <summary>Processor time of everything but this process and idling, in seconds (proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal).</summary>
    private static double OthersSeconds()
    {
        const string Statistics = "/proc/stat";
        if (!File.Exists(Statistics))
        {
            return 0;
        }

        double[] ticks = [.. File.ReadLines(Statistics).First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(word => double.TryParse(word, CultureInfo.InvariantCulture, out double value) ? value : 0)];
        if (ticks.Length < 8)
        {
            return 0;
        }

        double busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
        return (busy / TicksPerSecond) - Environment.CpuUsage.TotalTime.TotalSeconds;
    }
}
