using System.Runtime.CompilerServices;
using Grpc.Core;
using LlmServe.Client;
using LlmServe.V1;

namespace LlmServe.Extensions.AI.Connections;

/// <summary>The models of a server.</summary>
/// <param name="client">The connection.</param>
/// <param name="owned">Whether disposing this closes it.</param>
internal sealed class RemoteConnection(LlmServeClient client, bool owned) : IModelConnection
{
    /// <summary>Trailer that names the field at fault.</summary>
    private const string FieldTrailer = "llmserve-field";

    /// <inheritdoc/>
    public Uri? Address => client.Address;

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationDelta> ChatAsync(ChatRequest request, CancellationToken cancellation) =>
        ReadAsync(client.ChatAsync(request, cancellation), cancellation);

    /// <inheritdoc/>
    public IAsyncEnumerable<GenerationDelta> GenerateAsync(GenerateRequest request, CancellationToken cancellation) =>
        ReadAsync(client.GenerateAsync(request, cancellation), cancellation);

    /// <inheritdoc/>
    public async Task<Model> GetModelAsync(string model, CancellationToken cancellation)
    {
        try
        {
            return await client.GetModelAsync(model, cancellation).ConfigureAwait(false);
        }
        catch (RpcException exception)
        {
            throw Translate(exception, cancellation);
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type type) => type.IsInstanceOfType(client) ? client : null;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (owned)
        {
            client.Dispose();
        }
    }

    private static async IAsyncEnumerable<GenerationDelta> ReadAsync(
        IAsyncEnumerable<GenerationDelta> answer, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var deltas = answer.GetAsyncEnumerator(cancellation);
        while (true)
        {
            try
            {
                if (!await deltas.MoveNextAsync().ConfigureAwait(false))
                {
                    yield break;
                }
            }
            catch (RpcException exception)
            {
                throw Translate(exception, cancellation);
            }

            yield return deltas.Current;
        }
    }

    private static Exception Translate(RpcException exception, CancellationToken cancellation) => exception.StatusCode == StatusCode.Cancelled
        ? new OperationCanceledException(exception.Status.Detail, exception, cancellation)
        : new LlmServeException(exception.StatusCode, exception.Status.Detail, exception.Trailers.GetValue(FieldTrailer), exception);
}
