using Grpc.Core;

namespace LlmServe.Server.Internal;

/// <summary>The errors that the server itself reports, each with its status.</summary>
internal static class Failures
{
    /// <summary>Trailer that names the request field at fault, for programs; the message names it for people.</summary>
    public const string FieldTrailer = "llmserve-field";

    /// <summary>INVALID_ARGUMENT for one field.</summary>
    /// <param name="field">Path of the field in the proto's names, such as <c>options.sampling.top_p</c>.</param>
    /// <param name="problem">What is wrong with it and what is allowed.</param>
    public static RpcException Invalid(string field, string problem) =>
        new(new Status(StatusCode.InvalidArgument, $"{field}: {problem}"), new Metadata { { FieldTrailer, field } });

    /// <summary>INVALID_ARGUMENT for a request that is no message of its type at all.</summary>
    public static RpcException Malformed(string message, string problem) =>
        new(new Status(StatusCode.InvalidArgument, $"the request is not a valid {message} message: {problem}"));

    /// <summary>NOT_FOUND for a model that the server does not have.</summary>
    public static RpcException UnknownModel(string id, IEnumerable<string> known) => new(
        new Status(StatusCode.NotFound, $"model: there is no model '{Shorten(id)}'; this server has: {string.Join(", ", known)}"),
        new Metadata { { FieldTrailer, "model" } });

    /// <summary>FAILED_PRECONDITION: the model, not the request, is at fault.</summary>
    public static RpcException Model(string message) => new(new Status(StatusCode.FailedPrecondition, message));

    /// <summary>UNAVAILABLE: the server is stopping.</summary>
    public static RpcException Stopping() => new(new Status(StatusCode.Unavailable, "the server is stopping"));

    /// <summary>INTERNAL, without a word about the cause; the log has it.</summary>
    public static RpcException Internal() => new(new Status(StatusCode.Internal, "internal error; the server's log has the details"));

    /// <summary>A client's text, short enough to repeat in an error message.</summary>
    public static string Shorten(string text) => text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 77), "…");
}
