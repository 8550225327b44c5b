using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LlmServe.Cli.Bench;

/// <summary>
/// How fast all threads together can read memory: the ceiling of decoding, which reads every weight once per token. The buffers are kept, so that
/// every run can measure again right beside what is compared with it.
/// </summary>
internal sealed class ReadBandwidth
{
    private const long Least = 512L << 20;
    private const long Most = 1L << 30;
    private const int PassesPerMeasurement = 4;
    private const int VectorsPerStep = 4;

    private readonly long[][] _buffers; // [threads][elements], every element 1

    /// <summary>Allocates the buffers, each written by the thread that will read it.</summary>
    /// <param name="threads">Threads, each with its own share.</param>
    /// <param name="bytes">Of all buffers together.</param>
    public ReadBandwidth(int threads, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);

        // Four streams of whole steps.
        int granule = 4 * VectorsPerStep * Vector256<long>.Count;
        int count = checked((int)(bytes / threads / sizeof(long) / granule * granule));
        ArgumentOutOfRangeException.ThrowIfLessThan(count, granule, nameof(bytes));
        _buffers = new long[threads][];
        Together(lane =>
        {
            _buffers[lane] = GC.AllocateUninitializedArray<long>(count, pinned: true);
            Array.Fill(_buffers[lane], 1);
        });
    }

    /// <summary>Bytes that are far more than this machine's caches hold.</summary>
    public static long DefaultBytes => Math.Clamp(8 * LastLevelCacheBytes(), Least, Most);

    /// <summary>Bytes of all buffers.</summary>
    public long Bytes => _buffers.Sum(buffer => (long)buffer.Length * sizeof(long));

    /// <summary>Reads all buffers a few times, as one stream per thread and as four, and takes the fastest pass.</summary>
    /// <returns>Bytes per second.</returns>
    public double Measure()
    {
        double fastest = 0;
        for (int pass = 0; pass < PassesPerMeasurement; pass++)
        {
            fastest = Math.Max(fastest, Pass(pass % 2 == 0 ? 1 : 4));
        }

        return fastest;
    }

    private double Pass(int streams)
    {
        long[] sums = new long[_buffers.Length];
        long[] ends = new long[_buffers.Length];

        // All start at the same moment: what waking a thread costs is no property of the memory.
        long start = Stopwatch.GetTimestamp() + (Stopwatch.Frequency / 1000);
        Together(lane =>
        {
            while (Stopwatch.GetTimestamp() < start)
            {
                Thread.SpinWait(1);
            }

            sums[lane] = Sum(_buffers[lane], streams);
            ends[lane] = Stopwatch.GetTimestamp();
        });

        // Every element is 1, so a wrong sum means that something was not read.
        return sums.Sum() == Bytes / sizeof(long)
            ? Bytes * (double)Stopwatch.Frequency / Math.Max(1, ends.Max() - start)
            : throw new InvalidOperationException("the bandwidth measurement did not read what it should have");
    }

    private void Together(Action<int> work)
    {
        var threads = new Thread[_buffers.Length];
        for (int i = 0; i < threads.Length; i++)
        {
            int lane = i;
            threads[i] = new Thread(() => work(lane)) { IsBackground = true };
            threads[i].Start();
        }

        Array.ForEach(threads, thread => thread.Join());
    }

    private static long Sum(long[] data, int streams)
    {
        ref long start = ref MemoryMarshal.GetArrayDataReference(data);
        nuint distance = (nuint)(data.Length / streams);
        nuint width = (nuint)Vector256<long>.Count;
        var (a, b, c, d) = (Vector256<long>.Zero, Vector256<long>.Zero, Vector256<long>.Zero, Vector256<long>.Zero);
        if (streams == 1)
        {
            for (nuint i = 0; i < distance; i += VectorsPerStep * width)
            {
                a += Vector256.LoadUnsafe(ref start, i);
                b += Vector256.LoadUnsafe(ref start, i + width);
                c += Vector256.LoadUnsafe(ref start, i + (2 * width));
                d += Vector256.LoadUnsafe(ref start, i + (3 * width));
            }
        }
        else
        {
            for (nuint i = 0; i < distance; i += width)
            {
                a += Vector256.LoadUnsafe(ref start, i);
                b += Vector256.LoadUnsafe(ref start, i + distance);
                c += Vector256.LoadUnsafe(ref start, i + (2 * distance));
                d += Vector256.LoadUnsafe(ref start, i + (3 * distance));
            }
        }

        return Vector256.Sum(a + b + c + d);
    }

    private static long LastLevelCacheBytes()
    {
        const string Path = "/sys/devices/system/cpu/cpu0/cache/index3/size";
        string text = File.Exists(Path) ? File.ReadAllText(Path).Trim() : "";
        return text.EndsWith('K') && long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long kib) ? kib << 10 : 0;
    }
}
