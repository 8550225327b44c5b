using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Tests;

/// <summary>
/// Memory that ends where an unreadable page begins, so that a read past the end of a file kills the test run instead of passing unnoticed.
/// Elsewhere than on Linux it is plain memory.
/// </summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int PageBytes = 4096 * 16;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;

    private readonly byte* _start;
    private readonly nuint _usable;

    public GuardedMemory(int capacity)
    {
        _usable = (nuint)((capacity + PageBytes - 1) / PageBytes * PageBytes);
        if (!OperatingSystem.IsLinux())
        {
            _start = (byte*)NativeMemory.Alloc(_usable);
            return;
        }

        _start = (byte*)Map(null, _usable + PageBytes, ReadWrite, PrivateAnonymous, -1, 0);
        Assert.NotEqual(-1, (nint)_start);
        Assert.Equal(0, Protect(_start + _usable, PageBytes, 0));
    }

    /// <summary>Copies bytes to the end of the memory and returns where they start; earlier contents become invalid.</summary>
    public byte* Place(ReadOnlySpan<byte> bytes)
    {
        byte* start = _start + _usable - bytes.Length;
        bytes.CopyTo(new Span<byte>(start, bytes.Length));
        return start;
    }

    public void Dispose()
    {
        if (OperatingSystem.IsLinux())
        {
            Assert.Equal(0, Unmap(_start, _usable + PageBytes));
        }
        else
        {
            NativeMemory.Free(_start);
        }
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(void* address, nuint length);
}
