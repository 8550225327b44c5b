using System.Diagnostics;
using LlmServe.Engine;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal;

/// <summary>What is known of a call when it ends, for the one line that the log has of it and for its trace.</summary>
internal sealed class CallRecord
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private GenerationUpdate? _last;

    /// <summary>The model that answered; empty where none did.</summary>
    public string Model { get; set; } = "";

    /// <summary>The record of a call.</summary>
    public static CallRecord Of(HttpContext http)
    {
        if (http.Features.Get<CallRecord>() is not { } record)
        {
            http.Features.Set(record = new CallRecord());
        }

        return record;
    }

    /// <summary>The generation ended with this update.</summary>
    public void Finished(GenerationUpdate? last) => _last = last;

    /// <summary>Writes the call's line, and who called and how it ended into its trace; the engine's part of the trace has the figures.</summary>
    /// <param name="logger">Where to.</param>
    /// <param name="http">The call.</param>
    /// <param name="method">Full name of the method.</param>
    /// <param name="status">How it ended.</param>
    /// <param name="detail">The status's message.</param>
    public void Write(ILogger logger, HttpContext http, string method, string status, string detail)
    {
        var activity = Activity.Current;
        string client = Caller.Of(http).Name;
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("llmserve.client", client);
            activity.SetTag("rpc.grpc.status", status);
        }

        if (!logger.IsEnabled(LogLevel.Information))
        {
            return;
        }

        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        string trace = activity?.TraceId.ToString() ?? "";
        if (_last is { Usage: { } usage, Timings: { } timings } last)
        {
            Log.Generated(
                logger, method, status, last.FinishReason.ToString(), usage.PromptTokens, usage.CachedPromptTokens, usage.CompletionTokens,
                seconds, timings.Queue, timings.Prefill, timings.Decode, client, Model, http.TraceIdentifier, trace);
        }
        else
        {
            Log.Called(logger, method, status, seconds, client, http.TraceIdentifier, trace, detail);
        }
    }
}
