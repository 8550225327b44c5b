using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;

namespace LlmServe.Server.Internal.Access;

/// <summary>Denies by default: what is not open by its own word needs a known client, a path that leads nowhere too.</summary>
internal static class ClientAuthorization
{
    /// <summary>Adds authentication and authorization.</summary>
    public static void AddTo(IServiceCollection services)
    {
        services.AddAuthentication(ClientAuthentication.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, ClientAuthentication>(ClientAuthentication.SchemeName, null);
        services.AddAuthorizationBuilder()
            .SetFallbackPolicy(new AuthorizationPolicyBuilder(ClientAuthentication.SchemeName).RequireAuthenticatedUser().Build());
    }
}
