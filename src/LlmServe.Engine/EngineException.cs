namespace LlmServe.Engine;

/// <summary>What kind of failure an <see cref="EngineException"/> reports; servers map it to a status.</summary>
public enum EngineError
{
    /// <summary>The request is wrong; <see cref="EngineException.Field"/> says where.</summary>
    InvalidArgument,

    /// <summary>The waiting queue is full.</summary>
    QueueFull,

    /// <summary>The client has as many requests running or waiting as one client may.</summary>
    ClientLimit,

    /// <summary>The engine is stopping.</summary>
    Stopping,

    /// <summary>The machine below failed in a tick; the engine takes nothing any more.</summary>
    Failed,
}

/// <summary>A request that the engine does not take, or could not finish because it failed.</summary>
public sealed class EngineException(EngineError error, string message, string? field = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>The kind of failure.</summary>
    public EngineError Error { get; } = error;

    /// <summary>The field of the request at fault, in the engine's terms, where there is one.</summary>
    public string? Field { get; } = field;
}
