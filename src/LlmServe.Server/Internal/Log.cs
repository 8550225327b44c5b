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

    [LoggerMessage(10, LogLevel.Information,
        "{Method}: {Finish}, {PromptTokens} + {CompletionTokens} tokens, queue {Queue:F3} s, prefill {Prefill:F3} s, decode {Decode:F3} s")]
    public static partial void Generated(
        ILogger logger, string method, string finish, int promptTokens, int completionTokens, double queue, double prefill, double decode);

    [LoggerMessage(11, LogLevel.Debug, "{Method}: {Status}: {Detail}")]
    public static partial void Refused(ILogger logger, string method, string status, string detail);

    [LoggerMessage(12, LogLevel.Warning, "{Method}: the model's chat template failed: {Problem}")]
    public static partial void TemplateFailed(ILogger logger, string method, string problem);

    [LoggerMessage(13, LogLevel.Error, "{Method} failed")]
    public static partial void Failed(ILogger logger, Exception exception, string method);
}
