using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Client;
using LlmServe.Constraints;
using LlmServe.V1;

namespace LlmServe.Cli.Chat;

/// <summary>Talks to a server through the typed client; it owns the client.</summary>
internal sealed class GrpcChatConnection : IChatConnection
{
    private readonly LlmServeClient _client;
    private readonly SamplingSettings _sampling;

    private GrpcChatConnection(LlmServeClient client, SamplingSettings sampling, Model model)
    {
        _client = client;
        _sampling = sampling;
        Model = model.Id;
        WhyNoChat = model.HasChatTemplate ? null : $"the model '{model.Id}' of this server has no chat template, so there is no chat; continue a text with 'llmserve run --server'";
    }

    /// <inheritdoc/>
    public string Model { get; }

    /// <inheritdoc/>
    public string? WhyNoChat { get; }

    /// <summary>Connects and asks what runs there.</summary>
    /// <param name="server">Such as <c>http://127.0.0.1:8080</c>.</param>
    /// <param name="sampling">How answers are sampled.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="connection">API key and trust; null: none.</param>
    /// <exception cref="CliException">The address is wrong, or nobody answers there.</exception>
    public static async Task<GrpcChatConnection> ConnectAsync(
        string server, SamplingSettings sampling, CancellationToken cancellation, LlmServeClientOptions? connection = null)
    {
        var client = ServerAddress.Open(server, connection);
        try
        {
            var model = await client.GetModelAsync(cancellationToken: cancellation);
            return new GrpcChatConnection(client, sampling, model);
        }
        catch (Exception error)
        {
            client.Dispose();
            throw ServerAddress.Explain(error, client, cancellation);
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> ChatAsync(IReadOnlyList<ChatTurn> conversation, CancellationToken cancellation)
    {
        var request = new ChatRequest { Options = Options() };
        request.Messages.AddRange(conversation.Select(turn => new ChatMessage { Role = turn.Role, Content = turn.Content }));
        return PiecesAsync(_client.ChatAsync(request, cancellation), cancellation);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> GenerateAsync(string prompt, CancellationToken cancellation) =>
        PiecesAsync(_client.GenerateAsync(new GenerateRequest { Text = prompt, Options = Options() }, cancellation), cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async IAsyncEnumerable<AnswerPiece> PiecesAsync(
        IAsyncEnumerable<GenerationDelta> deltas, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var delta in deltas.WithCancellation(cancellation))
        {
            yield return new AnswerPiece(delta.Text, delta.FinishReason == FinishReason.Unspecified ? null : EndOf(delta));
        }
    }

    private static AnswerEnd EndOf(GenerationDelta delta) => new(
        delta.FinishReason.ToString().ToLowerInvariant(),
        delta.Usage?.PromptTokens ?? 0,
        delta.Usage?.CachedPromptTokens ?? 0,
        delta.Usage?.CompletionTokens ?? 0,
        delta.Timings?.PrefillSeconds ?? 0,
        delta.Timings?.DecodeSeconds ?? 0);

    private GenerationOptions Options()
    {
        var sampling = new SamplingOptions();
        if (_sampling.Temperature is { } temperature)
        {
            sampling.Temperature = temperature;
        }

        if (_sampling.TopK is { } topK)
        {
            sampling.TopK = topK;
        }

        if (_sampling.TopP is { } topP)
        {
            sampling.TopP = topP;
        }

        if (_sampling.MinP is { } minP)
        {
            sampling.MinP = minP;
        }

        if (_sampling.Seed is { } seed)
        {
            sampling.Seed = seed;
        }

        if (_sampling.RepetitionPenalty is { } penalty)
        {
            sampling.RepetitionPenalty = penalty;
        }

        var options = new GenerationOptions { Sampling = sampling };
        if (_sampling.MaxTokens is { } most)
        {
            options.MaxTokens = most;
        }

        options.Stop.AddRange(_sampling.Stop);
        SetRule(options, _sampling.Rule?.Rule);
        return options;
    }

    private static void SetRule(GenerationOptions options, ConstraintRule? rule)
    {
        switch (rule?.Kind)
        {
            case ConstraintKind.JsonSchema:
                options.JsonSchema = new JsonSchema { Schema = rule.Text };
                break;
            case ConstraintKind.Regex:
                options.Regex = rule.Text;
                break;
            case ConstraintKind.Gbnf:
                options.Gbnf = rule.Text;
                break;
            case ConstraintKind.Lark:
                options.Lark = rule.Text;
                break;
            case ConstraintKind.Choice:
                options.Choice = new Choices { Texts = { JsonSerializer.Deserialize<string[]>(rule.Text) } };
                break;
            default:
                break;
        }
    }
}
