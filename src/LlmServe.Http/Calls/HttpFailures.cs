using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Answers a request that failed before anything of its answer was sent.</summary>
internal static class HttpFailures
{
    private const string SecondsUntilRetry = "1";

    /// <summary>Writes a failure as the whole answer.</summary>
    public static async Task WriteAsync(HttpContext http, Failure failure, IErrorShape shape)
    {
        var response = http.Response;
        response.StatusCode = shape.StatusOf(failure);
        response.ContentType = HttpJson.ContentType;
        if (failure.Kind is FailureKind.Exhausted or FailureKind.Stopping)
        {
            response.Headers.RetryAfter = SecondsUntilRetry;
        }
        else if (response.StatusCode is StatusCodes.Status408RequestTimeout or >= StatusCodes.Status500InternalServerError)
        {
            // Clients repeat such statuses by themselves; here that changes nothing.
            response.Headers["x-should-retry"] = "false";
        }

        shape.Write(response.BodyWriter, failure, http.TraceIdentifier);
        await response.BodyWriter.FlushAsync(CancellationToken.None).ConfigureAwait(false);
    }
}
