using System.Net;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal;

/// <summary>Every message that the server logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serving {Models} at {Address}")]
    public static partial void Started(ILogger logger, string models, Uri address);

    [LoggerMessage(2, LogLevel.Information, "Stopping; {Running} running calls may take up to {Grace} more")]
    public static partial void Stopping(ILogger logger, int running, TimeSpan grace);

    [LoggerMessage(3, LogLevel.Information, "Stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(4, LogLevel.Warning, "{Running} calls were cut off when the grace period ended")]
    public static partial void CutOff(ILogger logger, int running);

    [LoggerMessage(5, LogLevel.Warning, "{Endpoint} is not loopback and asks for no API keys: whoever can reach it can use the server")]
    public static partial void NoKeys(ILogger logger, EndPoint endpoint);

    [LoggerMessage(6, LogLevel.Warning, "{Endpoint} is not loopback and has no TLS: API keys and conversations travel unencrypted")]
    public static partial void KeysInTheClear(ILogger logger, EndPoint endpoint);

    [LoggerMessage(7, LogLevel.Information, "Metrics for Prometheus are at {Address}")]
    public static partial void MetricsAt(ILogger logger, Uri address);

    [LoggerMessage(8, LogLevel.Warning, "The TLS certificate is valid from {From:u} to {To:u} only; clients refuse it now")]
    public static partial void CertificateOutOfDate(ILogger logger, DateTime from, DateTime to);

    [LoggerMessage(9, LogLevel.Warning, "{Model}: {Warning}")]
    public static partial void OddModel(ILogger logger, string model, string warning);

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

    [LoggerMessage(14, LogLevel.Information, "{Method}: refused {Peer}, which has no valid API key")]
    public static partial void Unauthenticated(ILogger logger, string method, string peer);

    [LoggerMessage(15, LogLevel.Information, "{Method}: refused one more stream of {Client}")]
    public static partial void TooManyStreams(ILogger logger, string method, string client);
}
