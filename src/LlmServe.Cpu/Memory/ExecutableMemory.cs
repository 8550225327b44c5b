using System.Runtime.InteropServices;

namespace LlmServe.Cpu.Memory;

/// <summary>
/// Pages for machine code that the process wrote itself. They are writable first and executable after, never both; they live as long as the process, since
/// kernels stay in use.
/// </summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1, Write = 2, Execute = 4;
    private const int PrivateAnonymous = 0x22;
    private const nint Failed = -1;

    /// <summary>Whether this system lets a process run code of its own making: found out once, with an empty function.</summary>
    public static bool IsAvailable => Available.Value;

    private static readonly Lazy<bool> Available = new(() => OperatingSystem.IsLinux() && TryAdd([0xc3]) != null);

    /// <summary>Copies code to executable pages of its own.</summary>
    /// <param name="code">Position-independent machine code.</param>
    /// <returns>Its address.</returns>
    /// <exception cref="InvalidOperationException">The system refuses.</exception>
    public static byte* Add(ReadOnlySpan<byte> code)
    {
        byte* at = TryAdd(code);
        return at != null ? at : throw new InvalidOperationException($"the system gives no executable memory (error {Marshal.GetLastPInvokeError()})");
    }

    private static byte* TryAdd(ReadOnlySpan<byte> code)
    {
        nuint length = (nuint)code.Length;
        nint at = Map(0, length, Read | Write, PrivateAnonymous, -1, 0);
        if (at == Failed)
        {
            return null;
        }

        code.CopyTo(new Span<byte>((void*)at, code.Length));
        if (Protect(at, length, Read | Execute) == 0)
        {
            return (byte*)at;
        }

        _ = Unmap(at, length);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
