using Microsoft.Win32.SafeHandles;

namespace LlmServe.Cli.Terminal;

/// <summary>
/// Standard output that notices a closed pipe. The runtime's own console stream swallows that error, and a generation would then run on for nobody.
/// </summary>
internal sealed class StandardOutputStream : Stream
{
    private const int BrokenPipeErrno = 32;
    private const int WindowsBrokenPipe = unchecked((int)0x8007006D);
    private const int WindowsNoData = unchecked((int)0x800700E8);
    private readonly Stream _inner;

    private StandardOutputStream(Stream inner) => _inner = inner;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Opens the process's standard output.</summary>
    public static Stream Open()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
        {
            return new StandardOutputStream(Console.OpenStandardOutput());
        }

        var pipe = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);

        // To a file it would write at positions of its own and not where the shell's redirection stands; a file has no reader that could leave.
        return new StandardOutputStream(pipe.CanSeek ? Console.OpenStandardOutput() : pipe);
    }

    /// <summary>Wraps any stream; for tests.</summary>
    internal static Stream Over(Stream inner) => new StandardOutputStream(inner);

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            _inner.Write(buffer);
        }
        catch (IOException error) when (error.HResult is BrokenPipeErrno or WindowsBrokenPipe or WindowsNoData)
        {
            throw new OutputClosedException(error);
        }
    }

    /// <inheritdoc/>
    public override void Flush() => _inner.Flush();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
