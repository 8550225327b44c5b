using Grpc.Core;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>The core's failures as gRPC tells them.</summary>
internal static class GrpcStatus
{
    /// <summary>Trailer that names the request field at fault, for programs; the message names it for people.</summary>
    public const string FieldTrailer = "llmserve-field";

    /// <summary>The status of a failure.</summary>
    public static Status Of(Failure failure) => new(CodeOf(failure.Kind), failure.Message);

    /// <summary>The failure as an exception, for methods with a single answer.</summary>
    public static RpcException ToException(Failure failure)
    {
        var trailers = new Metadata();
        AddTo(trailers, failure);
        return new RpcException(Of(failure), trailers);
    }

    /// <summary>Adds what programs want to know of a failure.</summary>
    public static void AddTo(Metadata trailers, Failure failure)
    {
        if (failure.Field is { } field)
        {
            trailers.Add(FieldTrailer, field);
        }
    }

    private static StatusCode CodeOf(FailureKind kind) => kind switch
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
