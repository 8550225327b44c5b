namespace LlmServe.Cli.App;

/// <summary>What the process says to its caller.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>The command was understood and failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Ended by Ctrl-C (128 + SIGINT, the shell's convention).</summary>
    public const int Interrupted = 130;
}
