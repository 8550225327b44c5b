namespace LlmServe.Serving;

/// <summary>Why a call failed, whatever protocol it came by; each front has a status for each.</summary>
public enum FailureKind
{
    /// <summary>The request is wrong: change it.</summary>
    Invalid,

    /// <summary>The request is larger than the server takes: send less.</summary>
    TooLarge,

    /// <summary>The client has no valid key.</summary>
    Unauthenticated,

    /// <summary>There is no such model.</summary>
    NotFound,

    /// <summary>The model cannot do this; another one may.</summary>
    Model,

    /// <summary>The queue is full, or the client has as much as it may: try again later.</summary>
    Exhausted,

    /// <summary>The server is stopping: try another one.</summary>
    Stopping,

    /// <summary>The client gave up.</summary>
    Cancelled,

    /// <summary>The client's deadline passed.</summary>
    DeadlineExceeded,

    /// <summary>A fault of the server; its log has the details.</summary>
    Internal,
}
