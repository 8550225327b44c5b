namespace LlmServe.Cli.Terminal;

/// <summary>The reader of standard output has closed its end of the pipe.</summary>
internal sealed class OutputClosedException(Exception inner) : IOException("standard output was closed by its reader", inner);
