using System.Runtime.CompilerServices;
using LlmServe.Client;
using LlmServe.Extensions.AI.Connections;
using LlmServe.Extensions.AI.Requests;
using LlmServe.Extensions.AI.Responses;
using LlmServe.Hosting;
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

    /// <summary>A model in this process.</summary>
    /// <param name="model">The model, whose engine stays its owner's.</param>
    public LlmServeChatClient(ServedModel model)
        : this(LocalConnection.Of(model ?? throw new ArgumentNullException(nameof(model))), model.Id)
    {
    }

    internal LlmServeChatClient(IModelConnection connection, string? modelId)
    {
        _connection = connection;
        _models = new ModelDirectory(connection);
        _metadata = new ChatClientMetadata("llmserve", connection.Address, string.IsNullOrEmpty(modelId) ? null : modelId);
    }

    /// <summary>Loads a model into this process. Disposing the client ends it.</summary>
    /// <param name="modelPath">The GGUF file.</param>
    /// <param name="cancellationToken">Gives up loading.</param>
    /// <exception cref="OptionException">There is no such file, or it cannot be used so.</exception>
    /// <exception cref="LlmServe.Gguf.GgufException">The file is broken or of a kind that is not supported.</exception>
    public static Task<LlmServeChatClient> OpenAsync(string modelPath, CancellationToken cancellationToken = default) =>
        OpenAsync(new ModelSettings { Path = modelPath }, cancellationToken);

    /// <summary>Loads a model into this process. Disposing the client ends it.</summary>
    /// <param name="settings">Which model, and how to run it.</param>
    /// <param name="cancellationToken">Gives up loading.</param>
    /// <exception cref="OptionException">There is no such file, or it cannot be used so.</exception>
    /// <exception cref="LlmServe.Gguf.GgufException">The file is broken or of a kind that is not supported.</exception>
    public static async Task<LlmServeChatClient> OpenAsync(ModelSettings settings, CancellationToken cancellationToken = default)
    {
        var model = await LocalModel.OpenAsync(settings, cancellationToken).ConfigureAwait(false);
        return new LlmServeChatClient(new LocalConnection(model.Core, model), modelId: null);
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
        var request = ChatRequestMapper.Map(messages, options, this);
        if (request.Model.Length == 0)
        {
            request.Model = _metadata.DefaultModelId ?? "";
        }

        return StreamAsync(request.Model, request.Options.Sampling, token => _connection.ChatAsync(request, token), cancellationToken);
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

    /// <summary>Continues a text as it is, without a chat template.</summary>
    internal async Task<ChatResponse> GetTextAsync(string prompt, ChatOptions? options, CancellationToken cancellation) =>
        AnswerJoiner.Join(await GetStreamingTextAsync(prompt, options, cancellation).ToListAsync(cancellation).ConfigureAwait(false));

    /// <summary>Continues a text as it is, without a chat template, piece by piece.</summary>
    internal IAsyncEnumerable<ChatResponseUpdate> GetStreamingTextAsync(string prompt, ChatOptions? options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var generation = new GenerationOptions { Sampling = new SamplingOptions(), ToEndOfContext = true };
        if (options is not null)
        {
            GenerationMapper.Map(options, generation);
        }

        string id = options?.ModelId ?? _metadata.DefaultModelId ?? "";
        var request = new GenerateRequest { Model = id, Text = prompt, Options = generation };
        return StreamAsync(id, generation.Sampling, token => _connection.GenerateAsync(request, token), cancellation);
    }

    /// <summary>Fills in what the caller leaves to the model, and maps the answer.</summary>
    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(
        string id, SamplingOptions sampling, Func<CancellationToken, IAsyncEnumerable<GenerationDelta>> answer,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        var model = await _models.GetAsync(id, cancellation).ConfigureAwait(false);
        DefaultSampling.Fill(sampling, model.DefaultSampling);
        var mapper = new AnswerMapper(model.Id, sampling.Seed);
        await foreach (var delta in answer(cancellation).ConfigureAwait(false))
        {
            foreach (var update in mapper.Map(delta))
            {
                yield return update;
            }
        }
    }
}
