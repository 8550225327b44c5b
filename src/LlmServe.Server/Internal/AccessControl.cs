using System.Security.Cryptography;
using System.Text;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.HealthCheck;
using Grpc.Reflection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmServe.Server.Internal;

/// <summary>
/// Asks for an API key where the server has any, before a byte of the request is read. Health stays open, so that orchestrators need no key.
/// </summary>
internal sealed class AccessControl(ServerOptions options, ILogger<LlmServeHost> logger)
{
    private const string Scheme = "Bearer ";

    /// <summary>Key texts and hashes live on the stack, so longer headers are refused unread.</summary>
    private const int LongestHeader = ApiKey.LongestKey + 16;

    private readonly Caller[] _callers = [.. options.ApiKeys.Select(key => new Caller(key))];

    /// <summary>The middleware: lets the call through as a <see cref="Caller"/>, or answers it with UNAUTHENTICATED or RESOURCE_EXHAUSTED.</summary>
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        var method = http.GetEndpoint()?.Metadata.GetMetadata<GrpcMethodMetadata>();
        if (_callers.Length == 0 || method is null || IsOpen(method.ServiceType))
        {
            await next(http).ConfigureAwait(false);
            return;
        }

        string? authorization = http.Request.Headers.Authorization;
        if (Find(authorization) is not { } caller)
        {
            Log.Unauthenticated(logger, http.Request.Path.Value ?? "", http.Connection.RemoteIpAddress?.ToString() ?? "");
            string problem = string.IsNullOrEmpty(authorization) ? "this server asks for an API key" : "the API key is not one of this server's";
            Answer(http, StatusCode.Unauthenticated, $"{problem}; send the metadata 'authorization: Bearer KEY'");
            return;
        }

        http.Features.Set(caller);
        if (method.Method.Type != MethodType.ServerStreaming)
        {
            await next(http).ConfigureAwait(false);
            return;
        }

        await RunStreamAsync(http, next, caller).ConfigureAwait(false);
    }

    private async Task RunStreamAsync(HttpContext http, RequestDelegate next, Caller caller)
    {
        if (!caller.TryEnterStream())
        {
            Log.TooManyStreams(logger, http.Request.Path.Value ?? "", caller.Name);
            int most = caller.Key!.MaxStreams!.Value;
            Answer(http, StatusCode.ResourceExhausted, $"the API key '{caller.Name}' has {most} answers running, and may have {most}; wait for one to end");
            return;
        }

        try
        {
            await next(http).ConfigureAwait(false);
        }
        finally
        {
            // The client learns of the end of its stream only after this, so it may start the next one at once.
            caller.LeaveStream();
        }
    }

    private bool IsOpen(Type service) =>
        service == typeof(HealthServiceImpl) || (options.OpenReflection && service == typeof(ReflectionServiceImpl));

    private Caller? Find(string? authorization)
    {
        if (authorization is null || authorization.Length > LongestHeader || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[LongestHeader * 3];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(authorization.AsSpan(Scheme.Length).Trim(), bytes)], hash);

        // Every key is compared, so that the time says nothing about which of them is near.
        Caller? found = null;
        foreach (var caller in _callers)
        {
            if (caller.Key!.Matches(hash))
            {
                found = caller;
            }
        }

        return found;
    }

    /// <summary>A gRPC answer without messages; <paramref name="detail"/> is ASCII without a percent sign.</summary>
    private static void Answer(HttpContext http, StatusCode status, string detail)
    {
        http.Response.ContentType = "application/grpc";
        http.Response.Headers["grpc-status"] = ((int)status).ToString(System.Globalization.CultureInfo.InvariantCulture);
        http.Response.Headers["grpc-message"] = detail;
    }
}
