using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace LlmServe.Cpu.Execution;

/// <summary>
/// A barrier for a fixed set of lanes: each writes its epoch to a cache line of its own and waits until all others have reached it.
/// Waiting spins, and gives the processor away after a bound, so that a shared machine is not punished.
/// </summary>
internal sealed unsafe class LaneBarrier : IDisposable
{
    private const int LineInts = 32;
    private const int SpinsBeforeYield = 4096;

    private readonly int* _epochs;
    private readonly int _lanes;

    public LaneBarrier(int lanes)
    {
        _lanes = lanes;
        nuint bytes = (nuint)(lanes * LineInts * sizeof(int));
        _epochs = (int*)NativeMemory.AlignedAlloc(bytes, 128);
        NativeMemory.Clear(_epochs, bytes);
    }

    /// <summary>Waits for all lanes; everything that a lane wrote before is visible to all afterwards.</summary>
    public void Wait(int lane)
    {
        int epoch = _epochs[lane * LineInts] + 1;
        Volatile.Write(ref _epochs[lane * LineInts], epoch);
        for (int other = 0; other < _lanes; other++)
        {
            if (other != lane)
            {
                WaitFor(other, epoch);
            }
        }
    }

    private void WaitFor(int lane, int epoch)
    {
        int spins = 0;
        while (Volatile.Read(ref _epochs[lane * LineInts]) - epoch < 0)
        {
            Pause();
            if (++spins >= SpinsBeforeYield)
            {
                Thread.Yield();
                spins = 0;
            }
        }
    }

    /// <summary>A short rest for the processor inside a waiting loop.</summary>
    public static void Pause()
    {
        if (X86Base.IsSupported)
        {
            X86Base.Pause();
        }
        else if (ArmBase.IsSupported)
        {
            ArmBase.Yield();
        }
        else
        {
            Thread.SpinWait(1);
        }
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_epochs);
        GC.SuppressFinalize(this);
    }

    ~LaneBarrier() => NativeMemory.AlignedFree(_epochs);
}
