using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Serve;

/// <summary>Where the log messages of <c>llmserve serve</c> go: standard error, as text or JSON.</summary>
internal static class ServeLogging
{
    /// <summary>Makes the loggers.</summary>
    public static ILoggerFactory Create(LogSettings settings) => LoggerFactory.Create(builder =>
    {
        builder.SetMinimumLevel(settings.Level);
        // The host logs with a stack trace what it also throws, and what is thrown becomes our one line.
        builder.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        // What the libraries say of every call, the server says in one line with more in it.
        builder.AddFilter("Microsoft", LogLevel.Warning);
        builder.AddFilter("Grpc", LogLevel.Warning);
        if (settings.Format == LogFormat.Json)
        {
            builder.AddJsonConsole(format =>
            {
                format.UseUtcTimestamp = true;
                format.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ";
            });
        }
        else
        {
            builder.AddSimpleConsole(format =>
            {
                format.SingleLine = true;
                format.TimestampFormat = "yyyy-MM-dd HH:mm:ss ";
            });
        }

        builder.AddConsole(sink => sink.LogToStandardErrorThreshold = LogLevel.Trace);
    });
}
