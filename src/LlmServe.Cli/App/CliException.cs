namespace LlmServe.Cli.App;

/// <summary>A failure with a message that is meant for the person at the terminal.</summary>
/// <param name="message">What, where, found, allowed, what to do next; one line.</param>
/// <param name="exitCode">One of <see cref="ExitCode"/>.</param>
/// <param name="inner">The cause, shown with <c>--verbose</c>.</param>
internal sealed class CliException(string message, int exitCode = ExitCode.Failure, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The process's exit code.</summary>
    public int Code { get; } = exitCode;
}
