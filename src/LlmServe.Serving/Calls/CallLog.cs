using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace LlmServe.Serving;

/// <summary>Writes the one line that the log has of each call, and who called and how it ended into the call's trace; the engine's part of the trace has the figures.</summary>
internal sealed class CallLog(ILogger logger)
{
    /// <summary>A call has ended.</summary>
    /// <param name="call">The call.</param>
    /// <param name="failure">How; null: well.</param>
    public void Write(ServedCall call, Failure? failure)
    {
        string status = failure?.Kind.ToString() ?? "OK";
        var activity = Activity.Current;
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("llmserve.client", call.Client.Name);
            activity.SetTag("llmserve.status", status);
        }

        if (!logger.IsEnabled(LogLevel.Information))
        {
            return;
        }

        double seconds = call.Elapsed.TotalSeconds;
        string trace = activity?.TraceId.ToString() ?? "";
        if (call.Last is { Usage: { } usage, Timings: { } timings } last)
        {
            Log.Generated(
                logger, call.Method, status, last.FinishReason.ToString(), usage.PromptTokens, usage.CachedPromptTokens, usage.CompletionTokens,
                seconds, timings.Queue, timings.Prefill, timings.Decode, call.Client.Name, call.Model, call.RequestId, trace);
        }
        else
        {
            Log.Called(logger, call.Method, status, seconds, call.Client.Name, call.RequestId, trace, failure?.Message ?? "");
        }
    }
}
