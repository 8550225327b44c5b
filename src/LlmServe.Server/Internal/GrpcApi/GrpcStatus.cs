using Grpc.Core;
using LlmServe.Protocol;
using LlmServe.Serving;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary>The core's failures as gRPC tells them.</summary>
internal static class GrpcStatus
{
    /// <summary>Trailer that names the request field at fault, for programs; the message names it for people.</summary>
    public const string FieldTrailer = "llmserve-field";

    /// <summary>The status of a failure.</summary>
    public static Status Of(Failure failure) => new(FailureCode.Of(failure.Kind), failure.Message);

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
}
