using System.Numerics;

namespace LlmServe.Cli.LoadTest;

/// <summary>
/// Counts times in buckets that grow with the time, so that memory stays the same however many there are: an octave has 128 equal buckets, and a
/// quantile is off by less than 0.4 % of its value. Smallest, largest, sum and count are exact. Not thread-safe.
/// </summary>
internal sealed class LatencyHistogram
{
    /// <summary>Most that a quantile is off, relative to the true value. (Times are kept in whole nanoseconds.)</summary>
    public const double RelativeError = 0.5 / Octave;

    private const int OctaveBits = 7;
    private const int Octave = 1 << OctaveBits;
    private const int LargestBits = 44; // 2^44 ns are almost five hours

    private readonly long[] _counts = new long[(LargestBits - OctaveBits + 1) * Octave];
    private long _least = long.MaxValue;
    private long _most;
    private double _sum;

    /// <summary>Times counted.</summary>
    public long Count { get; private set; }

    /// <summary>The longest, in seconds; NaN of none.</summary>
    public double Max => Count == 0 ? double.NaN : _most / 1e9;

    /// <summary>Mean in seconds; NaN of none.</summary>
    public double Mean => Count == 0 ? double.NaN : _sum / 1e9 / Count;

    /// <summary>Counts a time in seconds. What is below 0 counts as 0, what is above four hours as that.</summary>
    public void Add(double seconds)
    {
        long nanoseconds = (long)Math.Clamp(Math.Round(seconds * 1e9), 0, (1L << LargestBits) - 1);
        _counts[BucketOf(nanoseconds)]++;
        _least = Math.Min(_least, nanoseconds);
        _most = Math.Max(_most, nanoseconds);
        _sum += nanoseconds;
        Count++;
    }

    /// <summary>The smallest time in seconds that at least <paramref name="share"/> of all do not exceed (nearest rank); NaN of none.</summary>
    /// <param name="share">0 … 1.</param>
    public double Quantile(double share)
    {
        if (Count == 0)
        {
            return double.NaN;
        }

        long rank = Math.Clamp((long)Math.Ceiling(share * Count), 1, Count);
        int bucket = 0;
        for (long seen = _counts[0]; seen < rank; seen += _counts[bucket])
        {
            bucket++;
        }

        return Math.Clamp(MiddleOf(bucket), _least, _most) / 1e9;
    }

    private static int BucketOf(long nanoseconds)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)nanoseconds | 1) - OctaveBits);
        return shift * Octave + (int)(nanoseconds >> shift);
    }

    private static double MiddleOf(int bucket)
    {
        // Values below 2^8 stand for themselves; from there on bucket = shift × 128 + (128 … 255).
        int shift = Math.Max(0, bucket / Octave - 1);
        double first = (double)(bucket - (long)shift * Octave) * (1L << shift);
        return first + ((1L << shift) - 1) / 2.0;
    }
}
