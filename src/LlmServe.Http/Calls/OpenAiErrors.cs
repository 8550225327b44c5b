using System.Buffers;
using System.Text.Json;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Failures as OpenAI's API tells them: <c>{"error": {"message", "type", "param", "code"}}</c>, all four always there.</summary>
public sealed class OpenAiErrors : IErrorShape
{
    /// <summary>The one instance.</summary>
    internal static OpenAiErrors Shape { get; } = new();

    /// <summary>Writes a failure as the whole answer.</summary>
    public static Task WriteAsync(HttpContext http, Failure failure) => HttpFailures.WriteAsync(http, failure, Shape);

    /// <inheritdoc/>
    int IErrorShape.StatusOf(Failure failure) => FailureStatus.Of(failure.Kind);

    /// <inheritdoc/>
    void IErrorShape.Write(IBufferWriter<byte> output, Failure failure, string requestId)
    {
        using var json = new Utf8JsonWriter(output, HttpJson.Writing);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", failure.Message);
        json.WriteString("type", TypeOf(failure.Kind));
        json.WriteString("param", failure.Field);
        json.WriteString("code", failure.Code ?? CodeOf(failure.Kind));
        if (failure.Size is { } size)
        {
            json.WriteNumber("n_prompt_tokens", size.Found);
            json.WriteNumber("n_ctx", size.Allowed);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static string TypeOf(FailureKind kind) => kind switch
    {
        FailureKind.Exhausted => "rate_limit_exceeded",
        FailureKind.Stopping or FailureKind.Internal => "server_error",
        _ => "invalid_request_error",
    };

    private static string CodeOf(FailureKind kind) => kind switch
    {
        FailureKind.Invalid => "invalid_value",
        FailureKind.TooLarge => "request_too_large",
        FailureKind.Model => "unsupported_model",
        FailureKind.Unauthenticated => "invalid_api_key",
        FailureKind.NotFound => "model_not_found",
        FailureKind.Exhausted => "queue_full",
        FailureKind.Stopping => "unavailable",
        FailureKind.Cancelled or FailureKind.DeadlineExceeded => "cancelled",
        _ => "internal_error",
    };
}
