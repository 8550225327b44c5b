using System.Buffers;
using System.Text.Json;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Failures as llama-server tells them on its own routes: <c>{"error": {"code": 400, "message", "type"}}</c>.</summary>
internal sealed class LlamaErrors : IErrorShape
{
    /// <summary>The one instance.</summary>
    public static LlamaErrors Shape { get; } = new();

    /// <inheritdoc/>
    public int StatusOf(Failure failure) => failure.Code == "not_supported" ? StatusCodes.Status501NotImplemented : FailureStatus.Of(failure.Kind);

    /// <inheritdoc/>
    public void Write(IBufferWriter<byte> output, Failure failure, string requestId)
    {
        using var json = new Utf8JsonWriter(output, HttpJson.Writing);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteNumber("code", StatusOf(failure));
        json.WriteString("message", failure.Message);
        json.WriteString("type", TypeOf(failure));
        if (failure.Size is { } size)
        {
            json.WriteNumber("n_prompt_tokens", size.Found);
            json.WriteNumber("n_ctx", size.Allowed);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string TypeOf(Failure failure) => failure switch
    {
        { Code: "not_supported" } => "not_supported_error",
        { Size: not null } => "exceed_context_size_error",
        { Kind: FailureKind.Unauthenticated } => "authentication_error",
        { Kind: FailureKind.NotFound } => "not_found_error",
        { Kind: FailureKind.Stopping or FailureKind.Exhausted } => "unavailable_error",
        { Kind: FailureKind.Internal } => "server_error",
        _ => "invalid_request_error",
    };
}
