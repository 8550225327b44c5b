using System.Runtime.CompilerServices;
using LlmServe.Cpu.Execution;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>A panel of keys or values as <see cref="SegmentKernel{TWidth, TElement, THeads}"/> goes through it: its scales, and what is asked for ahead.</summary>
internal static unsafe class CachePanel<TElement>
    where TElement : struct, ICacheElement
{
    /// <summary>Scales of a panel in f32, where there are any; those of the panel <paramref name="ahead"/> bytes on are prefetched.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FindScales(in PanelLayout layout, byte* panel, nint ahead, float* scales)
    {
        if (TElement.HasScales)
        {
            Prefetch.Lines((byte*)layout.Scales(panel + ahead, 0), layout.Stride * sizeof(ushort));
            ScaledByte.WidenScales(layout, panel, scales);
        }
    }

    /// <summary>A scale, or the address of none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float* Scale(float* scales, int index) => TElement.HasScales ? scales + index : scales;

    /// <summary>Prefetches 64 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchTwice(byte* address)
    {
        Fetch(address);
        if (TElement.Bytes > 1)
        {
            Fetch(address + (32 * TElement.Bytes));
        }
    }

    /// <summary>Prefetches what a step advances by: 32 elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* address)
    {
        Prefetch.Line(address);
        if (TElement.Bytes > 2)
        {
            Prefetch.Line(address + 64);
        }
    }
}
