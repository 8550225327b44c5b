using LlmServe.Server.Internal.Access;
using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Server.Internal;

/// <summary>Counts one request's bytes against what may be received at once, from when its length is known until it is answered, or the core gives them back.</summary>
internal sealed class RequestBytes(RequestBudget budget, HttpContext http) : IDisposable
{
    private RequestLease? _lease;
    private bool _taken;

    /// <summary>Takes the bytes, the first time.</summary>
    /// <returns>Null, or why there is no room.</returns>
    public Failure? Take(long length)
    {
        if (_taken)
        {
            return null;
        }

        _taken = true;
        if (http.Features.Get<ClientFeature>() is not { } client)
        {
            return length <= RequestBudget.Short
                ? null : new Failure(FailureKind.TooLarge, $"the request has {length} bytes; without an API key at most {RequestBudget.Short} are taken");
        }

        var failure = budget.TryTake(client.Client, length, out _lease);
        if (_lease is not null)
        {
            http.Features.Set(_lease);
        }

        return failure;
    }

    /// <inheritdoc/>
    public void Dispose() => _lease?.Dispose();
}
