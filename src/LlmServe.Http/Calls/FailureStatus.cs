using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>The HTTP statuses of the core's failures. A feature that is missing is 400 and not 501: clients repeat what fails with 500 and more.</summary>
internal static class FailureStatus
{
    /// <summary>The status of a failure.</summary>
    public static int Of(FailureKind kind) => kind switch
    {
        FailureKind.Invalid or FailureKind.Model => StatusCodes.Status400BadRequest,
        FailureKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        FailureKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        FailureKind.NotFound => StatusCodes.Status404NotFound,
        FailureKind.Exhausted => StatusCodes.Status429TooManyRequests,
        FailureKind.Stopping => StatusCodes.Status503ServiceUnavailable,
        FailureKind.Cancelled => StatusCodes.Status499ClientClosedRequest,
        FailureKind.DeadlineExceeded => StatusCodes.Status408RequestTimeout,
        _ => StatusCodes.Status500InternalServerError,
    };
}
