using System.Runtime.InteropServices;

namespace LlmServe.Cli.Terminal;

/// <summary>Whether a standard stream was there when the process started.</summary>
internal static partial class StandardDescriptor
{
    /// <summary>Standard input.</summary>
    public const int In = 0;

    /// <summary>Standard output.</summary>
    public const int Out = 1;

    /// <summary>Standard error.</summary>
    public const int Error = 2;

    private const int GetFlags = 1;
    private const int CloseOnExec = 1;

    /// <summary>
    /// Whether the shell closed the stream (<c>&lt;&amp;-</c>). The runtime then gives its number to a file of its own, and reading or writing there would wait for ever or break
    /// something. Such files are closed when a program is started, which no descriptor that came from outside can be.
    /// </summary>
    public static bool IsClosed(int descriptor)
    {
        if (OperatingSystem.IsWindows())
        {
            return false;
        }

        int flags = Control(descriptor, GetFlags);
        return flags < 0 || (flags & CloseOnExec) != 0;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command);
}
