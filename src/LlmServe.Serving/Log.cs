using Microsoft.Extensions.Logging;

namespace LlmServe.Serving;

/// <summary>Every message that the core logs.</summary>
internal static partial class Log
{
    [LoggerMessage(2, LogLevel.Information, "Stopping; {Running} running calls may take up to {Grace} more")]
    public static partial void Stopping(ILogger logger, int running, TimeSpan grace);

    [LoggerMessage(10, LogLevel.Information,
        "{Method}: {Status}, {Finish}, {PromptTokens} ({CachedTokens} cached) + {CompletionTokens} tokens in {Duration:F3} s (queue {Queue:F3}, prefill "
        + "{Prefill:F3}, decode {Decode:F3}); client {Client}, model {Model}, request {RequestId}, trace {TraceId}")]
    public static partial void Generated(
        ILogger logger, string method, string status, string finish, int promptTokens, int cachedTokens, int completionTokens, double duration,
        double queue, double prefill, double decode, string client, string model, string requestId, string traceId);

    [LoggerMessage(11, LogLevel.Information, "{Method}: {Status} in {Duration:F3} s; client {Client}, request {RequestId}, trace {TraceId} {Detail}")]
    public static partial void Called(
        ILogger logger, string method, string status, double duration, string client, string requestId, string traceId, string detail);

    [LoggerMessage(12, LogLevel.Warning, "{Method}: the model's chat template failed: {Problem}")]
    public static partial void TemplateFailed(ILogger logger, string method, string problem);

    [LoggerMessage(13, LogLevel.Error, "{Method} failed")]
    public static partial void Failed(ILogger logger, Exception exception, string method);

    [LoggerMessage(17, LogLevel.Critical, "The engine of {Model} failed; the server answers no more requests for it and says so to health checks: restart it")]
    public static partial void EngineFailed(ILogger logger, Exception exception, string model);

    [LoggerMessage(15, LogLevel.Information, "{Method}: refused one more stream of {Client}")]
    public static partial void TooManyStreams(ILogger logger, string method, string client);
}
