using LlmServe.Cpu.Memory;
using Microsoft.Win32.SafeHandles;

namespace LlmServe.Cpu.Weights;

/// <summary>Reads and writes files of repacked weights. They are read into memory, in which the system can use huge pages, and checked on the way.</summary>
internal static unsafe class RepackedFile
{
    /// <summary>Reads a file, if it is whole and belongs to <paramref name="source"/>.</summary>
    /// <param name="path">The file; it need not exist.</param>
    /// <param name="source">The weights that it must hold.</param>
    /// <param name="target">Gets the data; it is zero again after a failure.</param>
    /// <param name="threads">Threads to read with.</param>
    /// <param name="progress">Gets the share that is read.</param>
    /// <param name="problem">Why a file that exists is of no use; null where there is none, or where it is of another model.</param>
    /// <exception cref="IOException">Reading failed.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static bool TryRead(string path, PackedSource source, NativeBuffer target, int threads, Action<double>? progress, out string? problem)
    {
        problem = null;
        var info = new FileInfo(path);
        if (!info.Exists)
        {
            return false;
        }

        // Before it is opened: whatever else has the name, such as a pipe, has another length.
        if (info.Length != RepackedHeader.PageBytes + target.Length)
        {
            problem = $"is {info.Length} bytes long, not {RepackedHeader.PageBytes + target.Length}";
            return false;
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> page = stackalloc byte[RepackedHeader.PageBytes];
        if (!ReadFully(file, page, 0) || !RepackedHeader.TryRead(page, out var header) || header.Key != source.Key || header.DataBytes != target.Length)
        {
            problem = "has a damaged header";
            return false;
        }

        var stamp = source.Stamp();
        bool isSame = stamp != UInt128.Zero && stamp == header.Stamp;
        if (!isSame && source.Digest() != header.Source)
        {
            return false;
        }

        bool isWhole = false;
        try
        {
            isWhole = ReadData(file, target, threads, progress) == header.Data;
        }
        finally
        {
            if (!isWhole)
            {
                target.Clear();
            }
        }

        problem = isWhole ? null : "is damaged: its digest does not match its data";
        return isWhole && MarkUsed(path, isSame ? null : header with { Stamp = stamp });
    }

    /// <summary>Writes a file. Others see the old one, or none, until it is complete.</summary>
    /// <param name="path">The file; its folder exists.</param>
    /// <param name="source">The weights that were repacked.</param>
    /// <param name="data">The repacked weights.</param>
    /// <param name="threads">Threads to write with.</param>
    /// <param name="progress">Gets the share that is written.</param>
    /// <exception cref="IOException">Writing failed, for example because the disk is full; nothing is left behind.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written.</exception>
    public static void Write(string path, PackedSource source, NativeBuffer data, int threads, Action<double>? progress)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}{RepackCache.TemporarySuffix}";
        try
        {
            // Room is asked for at once, so that a disk that is too full refuses before it is filled.
            using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.None, RepackedHeader.PageBytes + data.Length))
            {
                var header = new RepackedHeader(data.Length, source.Key, source.Digest(), source.Stamp(), WriteData(file, data, threads, progress));
                Span<byte> page = stackalloc byte[RepackedHeader.PageBytes];
                header.Write(page);
                RandomAccess.Write(file, page, 0);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private static UInt128 ReadData(SafeFileHandle file, NativeBuffer target, int threads, Action<double>? progress)
    {
        bool isWhole = true;
        var digest = EachChunk(target, threads, progress, (data, bytes, offset) =>
        {
            if (!ReadFully(file, new Span<byte>((void*)data, bytes), offset))
            {
                Volatile.Write(ref isWhole, false);
            }
        });
        return isWhole ? digest : ~digest;
    }

    private static UInt128 WriteData(SafeFileHandle file, NativeBuffer source, int threads, Action<double>? progress) =>
        EachChunk(source, threads, progress, (data, bytes, offset) => RandomAccess.Write(file, new ReadOnlySpan<byte>((void*)data, bytes), offset));

    /// <summary>Transfers chunk by chunk, and digests each while it is in a cache.</summary>
    private static UInt128 EachChunk(NativeBuffer memory, int threads, Action<double>? progress, Action<nint, int, long> transfer)
    {
        byte* data = memory.Data;
        long length = memory.Length;
        var digests = new UInt128[ChunkDigest.CountOf(length)];
        int done = 0;
        try
        {
            Parallel.For(0, digests.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, i =>
            {
                long offset = (long)i * ChunkDigest.ChunkBytes;
                int bytes = ChunkDigest.LengthOf(length, i);
                transfer((nint)(data + offset), bytes, RepackedHeader.PageBytes + offset);
                digests[i] = ChunkDigest.Of(data + offset, bytes);
                progress?.Invoke((double)Interlocked.Increment(ref done) / digests.Length);
            });
        }
        catch (AggregateException several) when (several.InnerException is IOException or UnauthorizedAccessException)
        {
            throw new IOException(several.InnerException.Message, several.InnerException);
        }

        return ChunkDigest.Combine(digests);
    }

    private static bool ReadFully(SafeFileHandle file, Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            int read = RandomAccess.Read(file, target, offset);
            if (read == 0)
            {
                return false;
            }

            target = target[read..];
            offset += read;
        }

        return true;
    }

    /// <summary>
    /// Notes when the file was used, and that it belongs to a model's file that was found elsewhere or touched. In a folder that can only be read neither
    /// succeeds: its files look unused, and are checked against the whole model if its stamp is another.
    /// </summary>
    private static bool MarkUsed(string path, RepackedHeader? header)
    {
        try
        {
            if (header is { } changed)
            {
                Span<byte> page = stackalloc byte[RepackedHeader.PageBytes];
                changed.Write(page);
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
                RandomAccess.Write(file, page, 0);
            }

            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }
}
