using Grpc.Core;
using LlmServe.Client;
using LlmServe.Extensions.AI.Connections;
using LlmServe.Serving;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI;

/// <summary>Embeddings for Microsoft.Extensions.AI. No model gives them yet: every call with texts fails with <c>unsupported_model</c>.</summary>
public sealed class LlmServeEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly IModelConnection _connection;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <summary>A model of a server.</summary>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="modelId">Which of its models; null: its default one.</param>
    /// <param name="apiKey">Its key; null: none.</param>
    /// <exception cref="ArgumentException">The address is no absolute http or https address, or the key cannot be one.</exception>
    public LlmServeEmbeddingGenerator(Uri endpoint, string? modelId = null, string? apiKey = null)
        : this(new RemoteConnection(new LlmServeClient(endpoint, new LlmServeClientOptions { ApiKey = apiKey }), owned: true), modelId)
    {
    }

    /// <summary>A model of a server.</summary>
    /// <param name="client">The connection, which stays its owner's: disposing this object does not close it.</param>
    /// <param name="modelId">Which of its models; null: its default one.</param>
    public LlmServeEmbeddingGenerator(LlmServeClient client, string? modelId = null)
        : this(new RemoteConnection(client ?? throw new ArgumentNullException(nameof(client)), owned: false), modelId)
    {
    }

    /// <summary>A model in this process.</summary>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    public LlmServeEmbeddingGenerator(ServedModel model)
        : this(LocalConnection.Of(model ?? throw new ArgumentNullException(nameof(model))), model.Id)
    {
    }

    internal LlmServeEmbeddingGenerator(IModelConnection connection, string? modelId)
    {
        _connection = connection;
        _metadata = new EmbeddingGeneratorMetadata("llmserve", connection.Address, string.IsNullOrEmpty(modelId) ? null : modelId);
    }

    /// <inheritdoc/>
    /// <exception cref="LlmServeException">The model gives no embeddings, or there is none of this name.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (!values.Any())
        {
            return [];
        }

        var model = await _connection.GetModelAsync(options?.ModelId ?? _metadata.DefaultModelId ?? "", cancellationToken).ConfigureAwait(false);
        throw new LlmServeException(
            StatusCode.FailedPrecondition, $"unsupported_model: the model '{model.Id}' ({model.Architecture}) generates text and gives no embeddings", "model", null);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
        {
            return null;
        }

        return serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : _connection.GetService(serviceType);
    }

    /// <summary>Closes the connection that this object made; one that was given to it stays open.</summary>
    public void Dispose() => _connection.Dispose();
}
