using LlmServe.Serving;
using Microsoft.AspNetCore.Http;

namespace LlmServe.Http;

/// <summary>Counts one request's bytes against what may be received at once, as they become known, until it is answered or the core gives them back.</summary>
/// <param name="budget">What may be received.</param>
/// <param name="http">The request.</param>
public sealed class RequestBytes(RequestBudget budget, HttpContext http) : IDisposable
{
    private RequestLease? _lease;
    private long _taken;

    /// <summary>Takes the bytes of a request that has at least so many.</summary>
    /// <returns>Null, or why there is no room.</returns>
    public Failure? Take(long length)
    {
        if (length <= _taken)
        {
            return null;
        }

        if (http.Features.Get<ClientFeature>() is not { } client)
        {
            return length <= RequestBudget.Short
                ? null : new Failure(FailureKind.TooLarge, $"the request has {length} bytes; without an API key at most {RequestBudget.Short} are taken");
        }

        if (budget.TryTake(client.Client, length, out var lease) is { } noRoom)
        {
            return noRoom;
        }

        _lease?.Dispose();
        _lease = lease;
        _taken = length;
        if (lease is not null)
        {
            http.Features.Set(lease);
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _lease?.Dispose();
}
