using System.Diagnostics;
using System.Globalization;

namespace LlmServe.Cpu.Profile;

/// <summary>How much of the machine other programs used since this object was made.</summary>
public sealed class NeighbourLoad
{
    /// <summary>Share of all processors up to which a machine counts as quiet.</summary>
    private const double Quiet = 0.15;

    private const double TicksPerSecond = 100;
    private readonly double _others = OthersSeconds();
    private readonly long _start = Stopwatch.GetTimestamp();

    /// <summary>Share of all processors' time that other programs used, 0 … 1; 0 where the system does not tell.</summary>
    public double Share
    {
        get
        {
            double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds * Environment.ProcessorCount;
            return seconds > 0 ? Math.Clamp((OthersSeconds() - _others) / seconds, 0, 1) : 0;
        }
    }

    /// <summary>Whether others used little of the machine; true where the system does not tell.</summary>
    public bool WasQuiet => Share <= Quiet;

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
