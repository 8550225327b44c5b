using System.Net;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal;

/// <summary>Every message that the server logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Serving {Models} at {Address}")]
    public static partial void Started(ILogger logger, string models, Uri address);

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

    [LoggerMessage(14, LogLevel.Information, "{Method}: refused {Peer}, which has no valid API key")]
    public static partial void Unauthenticated(ILogger logger, string method, string peer);

    [LoggerMessage(16, LogLevel.Warning, "Closed a connection of {Address}: it has {Connections} already, which is the most")]
    public static partial void TooManyConnections(ILogger logger, string address, int connections);

    [LoggerMessage(18, LogLevel.Information, "The API keys were read again: {Count}")]
    public static partial void KeysReplaced(ILogger logger, int count);

    [LoggerMessage(19, LogLevel.Information, "The TLS certificate was read again; it is valid until {To:u}")]
    public static partial void CertificateReplaced(ILogger logger, DateTime to);

    [LoggerMessage(20, LogLevel.Warning, "{Address} is not loopback and asks for no API key: whoever can reach it sees how much the server is used, and by which models")]
    public static partial void OpenMetrics(ILogger logger, Uri address);
}
