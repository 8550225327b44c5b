using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace LlmServe.Cpu.Kernels;

/// <summary>
/// Asks a cache for memory before it is used; an address that is nobody's does no harm. .NET has an instruction for it on x86 alone, so nothing happens
/// elsewhere.
/// </summary>
internal static unsafe class Prefetch
{
    private const int LineBytes = 64;

    /// <summary>A line, into the first cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line(byte* address)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(address);
        }
    }

    /// <summary>As many lines as <paramref name="bytes"/> take, into the first cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Lines(byte* address, int bytes)
    {
        for (int line = 0; Sse.IsSupported && line < bytes; line += LineBytes)
        {
            Sse.Prefetch0(address + line);
        }
    }

    /// <summary>As many lines as <paramref name="bytes"/> take, into the second cache.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LinesOfSecondCache(byte* address, int bytes)
    {
        for (int line = 0; Sse.IsSupported && line < bytes; line += LineBytes)
        {
            Sse.Prefetch1(address + line);
        }
    }
}
