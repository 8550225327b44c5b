using System.Text.Json;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Server.Internal.HttpApi;

/// <summary>The core's failures as HTTP tells them.</summary>
internal static class HttpErrors
{
    /// <summary>Writes an error as the whole answer.</summary>
    public static async Task WriteAsync(HttpContext http, Failure failure)
    {
        http.Response.StatusCode = StatusOf(failure.Kind);
        http.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", failure.Message);
        json.WriteString("type", TypeOf(failure.Kind));
        json.WriteString("param", failure.Field);
        json.WriteString("code", CodeOf(failure.Kind));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static int StatusOf(FailureKind kind) => kind switch
    {
        FailureKind.Invalid or FailureKind.Model => StatusCodes.Status400BadRequest,
        FailureKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        FailureKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        FailureKind.NotFound => StatusCodes.Status404NotFound,
        FailureKind.Exhausted => StatusCodes.Status429TooManyRequests,
        FailureKind.Stopping => StatusCodes.Status503ServiceUnavailable,
        FailureKind.Cancelled or FailureKind.DeadlineExceeded => StatusCodes.Status499ClientClosedRequest,
        _ => StatusCodes.Status500InternalServerError,
    };

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
