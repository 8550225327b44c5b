using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Cli.Bench;

/// <summary>How fast all threads together can read memory: the ceiling of decoding, which reads every weight once per token.</summary>
internal static class ReadBandwidth
{
    private const long Least = 256L << 20;
    private const long Most = 1L << 30;

    /// <summary>Bytes that are far more than this machine's caches hold.</summary>
    public static long DefaultBytes => Math.Clamp(8 * LastLevelCacheBytes(), Least, Most);

    /// <summary>Reads a buffer a few times with all threads and takes the fastest pass.</summary>
    /// <param name="threads">Threads, each with its own share of the buffer.</param>
    /// <param name="bytes">Size of the buffer.</param>
    /// <param name="passes">How often it is read.</param>
    /// <returns>Bytes per second.</returns>
    public static double Measure(int threads, long bytes, int passes = 5)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        int perVector = 2 * Vector256<long>.Count;
        int count = checked((int)(bytes / threads / sizeof(long) / perVector * perVector));
        ArgumentOutOfRangeException.ThrowIfLessThan(count, perVector, nameof(bytes));
        long[] sums = new long[threads];
        double seconds = FastestPass(count, passes, sums);

        // Every element is 1, so a wrong sum means that something was not read.
        return sums.All(sum => sum == (long)passes * count)
            ? (double)count * sizeof(long) * threads / seconds
            : throw new InvalidOperationException("the bandwidth measurement did not read what it should have");
    }

    private static double FastestPass(int count, int passes, long[] sums)
    {
        long fastest = long.MaxValue;
        using var barrier = new Barrier(sums.Length + 1);
        var workers = new Thread[sums.Length];
        for (int i = 0; i < workers.Length; i++)
        {
            int lane = i;
            workers[i] = new Thread(() => sums[lane] = Work(count, passes, barrier)) { IsBackground = true };
            workers[i].Start();
        }

        barrier.SignalAndWait();
        for (int pass = 0; pass < passes; pass++)
        {
            barrier.SignalAndWait();
            long start = Stopwatch.GetTimestamp();
            barrier.SignalAndWait();
            fastest = Math.Min(fastest, Stopwatch.GetTimestamp() - start);
        }

        Array.ForEach(workers, worker => worker.Join());
        return Math.Max(1, fastest) / (double)Stopwatch.Frequency;
    }

    private static long Work(int count, int passes, Barrier barrier)
    {
        // Written by the thread that reads it, so that every page lies where it is read.
        long[] data = GC.AllocateUninitializedArray<long>(count);
        Array.Fill(data, 1);
        barrier.SignalAndWait();
        long sum = 0;
        for (int pass = 0; pass < passes; pass++)
        {
            barrier.SignalAndWait();
            sum += Sum(data);
            barrier.SignalAndWait();
        }

        return sum;
    }

    private static long Sum(long[] data)
    {
        ref long start = ref MemoryMarshal.GetArrayDataReference(data);
        var a = Vector256<long>.Zero;
        var b = Vector256<long>.Zero;
        for (nuint i = 0; i < (nuint)data.Length; i += (nuint)(2 * Vector256<long>.Count))
        {
            a += Vector256.LoadUnsafe(ref start, i);
            b += Vector256.LoadUnsafe(ref start, i + (nuint)Vector256<long>.Count);
        }

        return Vector256.Sum(a + b);
    }

    private static long LastLevelCacheBytes()
    {
        const string Path = "/sys/devices/system/cpu/cpu0/cache/index3/size";
        string text = File.Exists(Path) ? File.ReadAllText(Path).Trim() : "";
        return text.EndsWith('K') && long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long kib) ? kib << 10 : 0;
    }
}
