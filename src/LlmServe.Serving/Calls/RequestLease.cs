namespace LlmServe.Serving;

/// <summary>The bytes of a request that is being read (<see cref="RequestBudget"/>). Disposing it more than once does nothing.</summary>
public sealed class RequestLease : IDisposable
{
    private readonly string _client;
    private readonly long _bytes;
    private RequestBudget? _budget;

    internal RequestLease(RequestBudget budget, string client, long bytes)
    {
        _budget = budget;
        _client = client;
        _bytes = bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _budget, null)?.Return(_client, _bytes);
}
