using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Runs HTTP requests as calls of the core: what fails becomes an answer in the API's own shape, or the last thing of a stream that has begun.</summary>
internal sealed class HttpCalls(ServingCore core, HttpOptions options)
{
    /// <summary>Answers a request that has a JSON object.</summary>
    /// <param name="http">The request.</param>
    /// <param name="errors">How failures are told.</param>
    /// <param name="isStream">Whether it generates.</param>
    /// <param name="answer">Answers; it leaves a failure as an exception or as the call's outcome.</param>
    public async Task RunAsync(HttpContext http, IErrorShape errors, bool isStream, Func<HttpCall, RequestFields, ValueTask> answer)
    {
        var call = CallOf(http, isStream);
        using var bytes = new RequestBytes(core.Budget, http);
        await using var exchange = new HttpCall(http, call, errors);
        var failure = await core.Calls.RunAsync(call, async served =>
        {
            using var body = await JsonBody.ReadAsync(http, served, core, bytes, options.LongestPause).ConfigureAwait(false);
            if (body is null)
            {
                return;
            }

            served.Request = http.Features.Get<RequestLease>();
            var fields = new RequestFields(body.RootElement);
            await answer(exchange, fields).ConfigureAwait(false);
        }).ConfigureAwait(false);
        await EndAsync(exchange, failure).ConfigureAwait(false);
    }

    /// <summary>Answers a request without a body.</summary>
    public async Task RunAsync(HttpContext http, IErrorShape errors, Func<HttpCall, ValueTask> answer)
    {
        await using var exchange = new HttpCall(http, CallOf(http, isStream: false), errors);
        var failure = await core.Calls.RunAsync(exchange.Call, _ => answer(exchange)).ConfigureAwait(false);
        await EndAsync(exchange, failure).ConfigureAwait(false);
    }

    private static ServedCall CallOf(HttpContext http, bool isStream)
    {
        http.Response.Headers["x-request-id"] = http.TraceIdentifier;
        return new ServedCall
        {
            Method = $"{http.Request.Method} {http.Request.Path}",
            Client = ClientFeature.Of(http),
            RequestId = http.TraceIdentifier,
            IsStream = isStream,
            Aborted = http.RequestAborted,
        };
    }

    private static async ValueTask EndAsync(HttpCall exchange, Failure? failure)
    {
        if (failure is null || exchange.Http.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        if (!exchange.Http.Response.HasStarted)
        {
            await HttpFailures.WriteAsync(exchange.Http, failure, exchange.Errors).ConfigureAwait(false);
            return;
        }

        if (exchange.Stream is { } stream)
        {
            await stream.SendFailureAsync(failure).ConfigureAwait(false);
        }

        // Some clients take an error in a stream for its normal end; a broken connection nobody does.
        exchange.Http.Abort();
    }
}
