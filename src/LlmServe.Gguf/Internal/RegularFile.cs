using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Internal;

/// <summary>Tells files from pipes and terminals without waiting for anybody.</summary>
internal static partial class RegularFile
{
    private const int SeekFromHere = 1;

    /// <summary>
    /// Whether a path names something that has no positions: a pipe, a socket, a terminal. To open such a thing in the usual way would wait until somebody writes to it, for
    /// ever if need be, and no signal ends that wait.
    /// </summary>
    public static bool IsPipe(string path)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
        {
            return false;
        }

        // O_RDONLY, O_NONBLOCK, O_CLOEXEC
        int descriptor = Open(path, OperatingSystem.IsLinux() ? 0x80800 : 0x1000004);
        if (descriptor < 0)
        {
            return false;
        }

        bool isPipe = Seek(descriptor, 0, SeekFromHere) < 0;
        _ = Close(descriptor);
        return isPipe;
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "lseek")]
    private static partial long Seek(int descriptor, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
