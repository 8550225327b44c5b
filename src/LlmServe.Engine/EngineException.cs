namespace LlmServe.Engine;

/// <summary>A request that the engine does not take, or could not finish because it failed.</summary>
public sealed class EngineException(EngineError error, string message, string? field = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The kind of failure.</summary>
    public EngineError Error { get; } = error;

    /// <summary>The field of the request at fault, in the engine's terms, where there is one.</summary>
    public string? Field { get; } = field;
}
