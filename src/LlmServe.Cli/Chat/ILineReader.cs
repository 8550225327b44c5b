using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Chat;

/// <summary>Where the user's turns come from.</summary>
internal interface ILineReader
{
    /// <summary>The next line, or null at the end of input.</summary>
    /// <exception cref="OperationCanceledException">The program is to end.</exception>
    Task<string?> ReadLineAsync(string prompt, CancellationToken cancellation);
}

/// <summary>Lines of a pipe or file: no prompt, no editing.</summary>
internal sealed class StreamLineReader(CliConsole console) : ILineReader
{
    /// <inheritdoc/>
    public async Task<string?> ReadLineAsync(string prompt, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();

        // A blocked read of standard input cannot be cancelled; it is left behind, and the process ends without it.
        return await Task.Run(console.In.ReadLine, CancellationToken.None).WaitAsync(cancellation);
    }
}
