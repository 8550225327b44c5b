namespace LlmServe.Server;

/// <summary>An address and port cannot be listened on, for example because another program has the port.</summary>
/// <param name="option">Name of the option with the port: <c>Port</c> or <c>Metrics.Port</c>.</param>
/// <param name="message">Which address, and why not.</param>
/// <param name="inner">The cause.</param>
public sealed class ListenException(string option, string message, Exception inner) : IOException(message, inner)
{
    /// <summary>Name of the option with the port.</summary>
    public string Option { get; } = option;
}
