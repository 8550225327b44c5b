using System.Security.Claims;
using System.Text.Encodings.Web;
using LlmServe.Http;
using LlmServe.Serving;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace LlmServe.Server.Internal.Access;

/// <summary>
/// Finds out who makes a request: the owner of the API key that it carries, or its address where the server has no keys. Together with the fallback
/// policy of <see cref="ClientAuthorization"/>, a route that says nothing needs this to succeed.
/// </summary>
internal sealed class ClientAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, UrlEncoder encoder, ServingCore core, ILogger<LlmServeHost> log)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, NullLoggerFactory.Instance, encoder)
{
    /// <summary>Name of the scheme.</summary>
    public const string SchemeName = "ApiKey";

    private const string Bearer = "Bearer ";

    /// <summary>The name of a client without an address, as of a call that came through no socket.</summary>
    private const string Unknown = "unknown";

    private static readonly AuthenticateResult Known = AuthenticateResult.Success(
        new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity(SchemeName)), SchemeName));

    /// <inheritdoc/>
    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var client = core.Clients.AsksForKeys
            ? core.Clients.FindByKey(KeyOf(Request.Headers))
            : core.Clients.OfAddress(Context.Connection.RemoteIpAddress?.ToString() ?? Unknown);
        if (client is null)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        Context.Features.Set(new ClientFeature(client));
        return Task.FromResult(Known);
    }

    /// <summary>Answers a request that needs a key and has none, in the words of its protocol.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Log.Unauthenticated(log, Request.Path.Value ?? "", Context.Connection.RemoteIpAddress?.ToString() ?? "");
        return Refusal.WriteAsync(Context, NoKey(Request.Headers));
    }

    /// <summary>Why a request with these headers is let in nowhere.</summary>
    public static Failure NoKey(IHeaderDictionary headers)
    {
        string problem = KeyOf(headers).IsEmpty ? "this server asks for an API key" : "the API key is not one of this server's";
        return new Failure(FailureKind.Unauthenticated, $"{problem}; send the metadata 'authorization: Bearer KEY'");
    }

    /// <summary>The key that a request carries; empty: none.</summary>
    public static ReadOnlySpan<char> KeyOf(IHeaderDictionary headers)
    {
        string? authorization = headers.Authorization;
        if (authorization is not null)
        {
            return authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization.AsSpan(Bearer.Length).Trim() : "?";
        }

        // What clients of other servers send.
        string? key = (string?)headers["x-api-key"] ?? headers["api-key"];
        return key;
    }
}
