using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Who makes a request, once it is authenticated.</summary>
/// <param name="Client">Who.</param>
public sealed record ClientFeature(ServedClient Client)
{
    /// <summary>The client of a request that passed authentication.</summary>
    public static ServedClient Of(HttpContext http) => http.Features.Get<ClientFeature>()!.Client;
}
