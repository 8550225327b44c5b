using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace LlmServe.Cpu.Weights;

/// <summary>
/// A digest of memory that all processors compute together: XXH128 of the XXH128 digests of its chunks. It finds damage, not forgery: whoever may write
/// the user's cache may write the user's program too.
/// </summary>
internal static unsafe class ChunkDigest
{
    /// <summary>Bytes of a chunk; the last one of a stretch may be shorter.</summary>
    public const int ChunkBytes = 4 << 20;

    /// <summary>Number of chunks of a stretch.</summary>
    public static int CountOf(long bytes) => checked((int)((bytes + ChunkBytes - 1) / ChunkBytes));

    /// <summary>Bytes of chunk <paramref name="index"/> of a stretch of <paramref name="bytes"/>.</summary>
    public static int LengthOf(long bytes, int index) => (int)Math.Min(ChunkBytes, bytes - ((long)index * ChunkBytes));

    /// <summary>The digest of one chunk.</summary>
    public static UInt128 Of(byte* data, int bytes) => XxHash128.HashToUInt128(new ReadOnlySpan<byte>(data, bytes));

    /// <summary>The digest of all chunks, from theirs.</summary>
    public static UInt128 Combine(UInt128[] chunks) => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(chunks.AsSpan()));

    /// <summary>The digest of several stretches, one after the other.</summary>
    public static UInt128 Of(IReadOnlyList<(nint Data, long Bytes)> stretches, int threads)
    {
        var chunks = new List<(nint Data, int Bytes)>();
        foreach (var (data, bytes) in stretches)
        {
            for (int i = 0; i < CountOf(bytes); i++)
            {
                chunks.Add((data + (nint)((long)i * ChunkBytes), LengthOf(bytes, i)));
            }
        }

        var digests = new UInt128[chunks.Count];
        Parallel.For(0, digests.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i => digests[i] = Of((byte*)chunks[i].Data, chunks[i].Bytes));
        return Combine(digests);
    }
}
