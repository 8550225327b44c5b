using Grpc.Core;

namespace LlmServe.Extensions.AI;

/// <summary>A model's answer failed, remotely or in this process. Calls that are cancelled throw <see cref="OperationCanceledException"/> instead.</summary>
public sealed class LlmServeException : Exception
{
    internal LlmServeException(StatusCode code, string message, string? field, Exception? inner)
        : base(message, inner)
    {
        Code = code;
        Field = field;
    }

    /// <summary>What kind of failure it is, in gRPC's terms: <see cref="StatusCode.InvalidArgument"/> for a request that is wrong, and so on.</summary>
    public StatusCode Code { get; }

    /// <summary>Path of the request's field at fault, in the names of <c>llmserve.v1</c>, such as <c>options.sampling.top_p</c>; null: no field is.</summary>
    public string? Field { get; }

    /// <summary>Whether the same request may succeed later: the queue was full, or the server was stopping or out of reach.</summary>
    public bool IsTransient => Code is StatusCode.ResourceExhausted or StatusCode.Unavailable;
}
