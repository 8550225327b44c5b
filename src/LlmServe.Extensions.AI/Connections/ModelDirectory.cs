using System.Collections.Concurrent;
using LlmServe.V1;

namespace LlmServe.Extensions.AI.Connections;

/// <summary>What is known of a connection's models; each is asked for once. Thread-safe.</summary>
internal sealed class ModelDirectory(IModelConnection connection)
{
    private readonly ConcurrentDictionary<string, Model> _known = new(StringComparer.Ordinal);

    /// <summary>Describes a model.</summary>
    /// <param name="id">Its id; empty: the default one.</param>
    /// <param name="cancellation">Cancels the call.</param>
    /// <exception cref="LlmServeException">There is no such model, or it cannot be asked for.</exception>
    public async ValueTask<Model> GetAsync(string id, CancellationToken cancellation)
    {
        if (_known.TryGetValue(id, out var known))
        {
            return known;
        }

        var model = await connection.GetModelAsync(id, cancellation).ConfigureAwait(false);
        return _known.GetOrAdd(id, model);
    }
}
