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

    /// <summary>Something that belongs to this request alone failed; the engine and all other requests go on.</summary>
    RequestFailed,
}
