using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Internal;

/// <summary>One file mapped read-only. Its pointer is taken once and stays valid until disposal.</summary>
internal sealed unsafe partial class MappedPart : IDisposable
{
    private const int AdviseNotNeeded = 4;

    private readonly MemoryMappedFile? _file;
    private readonly MemoryMappedViewAccessor? _view;

    private readonly DateTime _changed;

    private MappedPart(string path, long length, DateTime changed, MemoryMappedFile file)
    {
        _changed = changed;
        Path = path;
        Length = length;
        _file = file;
        _view = file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        byte* pointer = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        Data = pointer + _view.PointerOffset;
    }

    /// <summary>Memory that somebody else owns, under a name for messages.</summary>
    public MappedPart(string name, byte* data, long length)
    {
        Path = name;
        Data = data;
        Length = length;
    }

    public string Path { get; }

    public byte* Data { get; private set; }

    public long Length { get; }

    /// <exception cref="GgufException">The file cannot be opened, or is shorter than a header.</exception>
    public static MappedPart Open(string path)
    {
        if (RegularFile.IsPipe(path))
        {
            throw new GgufException($"{path}: cannot be opened: it is a pipe or a terminal, and a model is mapped into memory; write it to a file first");
        }

        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            long length = stream.Length;
            if (length < GgufHeader.FixedBytes)
            {
                throw GgufHeader.TooShort(path, length);
            }

            // The mapping outlives the stream.
            var file = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new MappedPart(path, length, File.GetLastWriteTimeUtc(stream.SafeFileHandle), file);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new GgufException($"{path}: cannot be opened: {error.Message}", error);
        }
    }

    /// <summary>Gives the mapped pages back to the system, which fetches from the file what is read again. Memory that is not a mapped file stays.</summary>
    public void ReleasePages()
    {
        if (_view is not null && Data != null && OperatingSystem.IsLinux())
        {
            // Advice only. Data stands at the start of a page: the whole file is mapped.
            _ = Advise(Data, (nuint)Length, AdviseNotNeeded);
        }
    }

    /// <summary>Demands that the file is the one that was opened, as far as its length and time of change tell.</summary>
    /// <exception cref="GgufException">It was changed, replaced or deleted.</exception>
    public void RequireUnchanged()
    {
        if (_view is not null && !IsUnchanged())
        {
            throw new GgufException($"{Path}: the file was changed while it was being read; start again when whoever writes it is done");
        }
    }

    /// <summary>Asks the file behind the path, as opening does: a path may be a symbolic link, which has a length and times of its own.</summary>
    private bool IsUnchanged()
    {
        try
        {
            using var now = File.OpenHandle(Path, share: FileShare.ReadWrite | FileShare.Delete);
            return RandomAccess.GetLength(now) == Length && File.GetLastWriteTimeUtc(now) == _changed;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_view is not null && Data != null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file!.Dispose();
        }

        Data = null;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
