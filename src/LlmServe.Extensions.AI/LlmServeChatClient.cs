using System.Runtime.CompilerServices;
using LlmServe.Client;
using LlmServe.Extensions.AI.Connections;
using LlmServe.Extensions.AI.Requests;
using LlmServe.Extensions.AI.Responses;
using LlmServe.Serving;
using LlmServe.V1;
using Microsoft.Extensions.AI;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatResponse = Microsoft.Extensions.AI.ChatResponse;

namespace LlmServe.Extensions.AI;

/// <summary>
/// A model for Microsoft.Extensions.AI, on a server or in this process; both give the same answers. Thread-safe.
/// </summary>
/// <remarks>
/// What options leave out is sampled as the model's file recommends, else with temperature 0.8, top-p 0.95 and min-p 0.05, and a random seed, which the
/// answer has in <c>AdditionalProperties["llmserve.seed"]</c>. Answers without <see cref="ChatOptions.MaxOutputTokens"/> go on to the end of the context.
/// Failures are <see cref="LlmServeException"/>s.
/// </remarks>
public sealed class LlmServeChatClient : IChatClient
{
    private readonly IModelConnection _connection;
    private readonly ModelDirectory _models;
    private readonly ChatClientMetadata _metadata;

    /// <summary>A model of a server.</summary>
    /// <param name="endpoint">The server, such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="modelId">Which of its models; null: its default one.</param>
    /// <param name="apiKey">Its key; null: none.</param>
    /// <exception cref="ArgumentException">The address is no absolute http or https address, or the key cannot be one.</exception>
    public LlmServeChatClient(Uri endpoint, string? modelId = null, string? apiKey = null)
        : this(new RemoteConnection(new LlmServeClient(endpoint, new LlmServeClientOptions { ApiKey = apiKey }), owned: true), modelId)
    {
    }

    /// <summary>A model of a server.</summary>
    /// <param name="client">The connection, which stays its owner's: disposing this object does not close it.</param>
    /// <param name="modelId">Which of its models; null: its default one.</param>
    public LlmServeChatClient(LlmServeClient client, string? modelId = null)
        : this(new RemoteConnection(client ?? throw new ArgumentNullException(nameof(client)), owned: false), modelId)
    {
    }

    /// <summary>A model in this process.</summary>
    /// <param name="core">The models, which stay their owner's: disposing this object does not stop them.</param>
    /// <param name="modelId">Which of them; null: the default one.</param>
    public LlmServeChatClient(ServingCore core, string? modelId = null)
        : this(new LocalConnection(core ?? throw new ArgumentNullException(nameof(core)), owned: null), modelId)
    {
    }

    internal LlmServeChatClient(IModelConnection connection, string? modelId)
    {
        _connection = connection;
        _models = new ModelDirectory(connection);
        _metadata = new ChatClientMetadata("llmserve", connection.Address, string.IsNullOrEmpty(modelId) ? null : modelId);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An option's value is not allowed.</exception>
    /// <exception cref="NotSupportedException">A content, a tool or an option is of a kind that the model cannot take.</exception>
    /// <exception cref="LlmServeException">The answer failed.</exception>
    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        AnswerJoiner.Join(await GetStreamingResponseAsync(messages, options, cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false));

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">An option's value is not allowed.</exception>
    /// <exception cref="NotSupportedException">A content, a tool or an option is of a kind that the model cannot take.</exception>
    /// <exception cref="LlmServeException">The answer failed.</exception>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(ChatRequestMapper.Map(messages, options, this), cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
        {
            return null;
        }

        return serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : _connection.GetService(serviceType);
    }

    /// <summary>Closes the connection that this object made; one that was given to it stays open.</summary>
    public void Dispose() => _connection.Dispose();

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(ChatRequest request, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (request.Model.Length == 0)
        {
            request.Model = _metadata.DefaultModelId ?? "";
        }

        var model = await _models.GetAsync(request.Model, cancellation).ConfigureAwait(false);
        DefaultSampling.Fill(request.Options.Sampling, model.DefaultSampling);
        var mapper = new AnswerMapper(model.Id, request.Options.Sampling.Seed);
        await foreach (var delta in _connection.ChatAsync(request, cancellation).ConfigureAwait(false))
        {
            foreach (var update in mapper.Map(delta))
            {
                yield return update;
            }
        }
    }
}
