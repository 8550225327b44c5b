using LlmServe.Engine;
using LlmServe.Hosting;
using LlmServe.Server;
using Microsoft.Extensions.Logging;

namespace LlmServe.Cli.Serve;

/// <summary>Everything that <c>llmserve serve</c> is told.</summary>
/// <param name="Model">Which model, and how to compile it.</param>
/// <param name="Engine">How to schedule.</param>
/// <param name="Server">Where to listen, whom to let in, what to take.</param>
/// <param name="Log">What to log.</param>
internal sealed record ServeSettings(ModelSettings Model, EngineOptions Engine, ServerOptions Server, LogSettings Log)
{
    /// <summary>The files whose changes a running server takes over.</summary>
    public required SecretFiles Secrets { get; init; }
}

/// <summary>What to log, to standard error.</summary>
/// <param name="Level">The least level that is logged.</param>
/// <param name="Format">How a message is written.</param>
internal sealed record LogSettings(LogLevel Level, LogFormat Format);

/// <summary>How a log message is written.</summary>
internal enum LogFormat
{
    /// <summary>A line for people.</summary>
    Text,

    /// <summary>A JSON object a line, for programs.</summary>
    Json,
}
