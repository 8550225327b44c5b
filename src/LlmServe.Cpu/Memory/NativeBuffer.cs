using System.Runtime.InteropServices;

namespace LlmServe.Cpu.Memory;

/// <summary>Memory outside the garbage-collected heap, aligned to 2 MiB where large so that the system can back it with huge pages.</summary>
internal sealed unsafe partial class NativeBuffer : IDisposable
{
    private const nuint HugePage = 2 << 20;
    private const int AdviseHugePages = 14;

    private byte* _data;

    /// <param name="bytes">Size; the contents are zero.</param>
    /// <exception cref="OutOfMemoryException">The system has not that much memory.</exception>
    public NativeBuffer(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Length = bytes;
        nuint size = checked((nuint)bytes + 64);
        nuint alignment = size >= HugePage ? HugePage : 64;
        _data = (byte*)NativeMemory.AlignedAlloc(size, alignment);
        if (OperatingSystem.IsLinux() && alignment == HugePage)
        {
            // Advice only: a system without huge pages goes on with small ones.
            _ = Advise(_data, size & ~(HugePage - 1), AdviseHugePages);
        }

        // Large blocks come fresh from the system and are zero; clearing them would make them resident.
        if (alignment != HugePage)
        {
            NativeMemory.Clear(_data, size);
        }
    }

    public byte* Data => _data;

    public long Length { get; }

    /// <summary>Makes the contents zero.</summary>
    public void Clear() => NativeMemory.Clear(_data, (nuint)Length);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_data);
        _data = null;
        GC.SuppressFinalize(this);
    }

    ~NativeBuffer() => NativeMemory.AlignedFree(_data);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
