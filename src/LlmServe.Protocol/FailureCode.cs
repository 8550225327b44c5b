using Grpc.Core;
using LlmServe.Serving;

namespace LlmServe.Protocol;

/// <summary>The status codes of the core's failures.</summary>
internal static class FailureCode
{
    /// <summary>The code of a kind of failure.</summary>
    public static StatusCode Of(FailureKind kind) => kind switch
    {
        FailureKind.Invalid => StatusCode.InvalidArgument,
        FailureKind.TooLarge or FailureKind.Exhausted => StatusCode.ResourceExhausted,
        FailureKind.Unauthenticated => StatusCode.Unauthenticated,
        FailureKind.NotFound => StatusCode.NotFound,
        FailureKind.Model => StatusCode.FailedPrecondition,
        FailureKind.Stopping => StatusCode.Unavailable,
        FailureKind.Cancelled => StatusCode.Cancelled,
        FailureKind.DeadlineExceeded => StatusCode.DeadlineExceeded,
        _ => StatusCode.Internal,
    };
}
