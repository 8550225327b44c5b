using System.Runtime.InteropServices;

namespace LlmServe.Serving;

/// <summary>Lowers a thread's priority below that of the model's lanes. (.NET's own thread priorities do nothing on Linux.)</summary>
internal static class ThreadPriorityBelow
{
    private const int ThisThread = 0;
    private const int Process = 0; // PRIO_PROCESS, which on Linux means one thread
    private const int Niceness = 10;

    /// <summary>Lowers the calling thread's priority, where the system can.</summary>
    public static void Lower()
    {
        if (OperatingSystem.IsLinux())
        {
            // Failing costs nothing but the priority.
            _ = SetPriority(Process, ThisThread, Niceness);
        }
        else
        {
            Thread.CurrentThread.Priority = ThreadPriority.BelowNormal;
        }
    }

    [DllImport("libc", EntryPoint = "setpriority")]
    private static extern int SetPriority(int which, int who, int niceness);
}
