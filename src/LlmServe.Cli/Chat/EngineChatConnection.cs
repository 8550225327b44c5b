using System.Runtime.CompilerServices;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Cli.Terminal;
using LlmServe.Engine;
using LlmServe.Hosting;
using LlmServe.Serving;
using LlmServe.Text.Templates;

namespace LlmServe.Cli.Chat;

/// <summary>
/// A model in this process, without a server between: starting one, and a client for it, takes longer than loading the embedded model.
/// The answers are the same, since both ways go through the same core.
/// </summary>
internal sealed class EngineChatConnection : IChatConnection
{
    private readonly HostedModel _hosted;
    private readonly ServingCore _core;
    private readonly SamplingSettings _sampling;

    private EngineChatConnection(HostedModel hosted, SamplingSettings sampling)
    {
        _hosted = hosted;
        _sampling = sampling;
        _core = new ServingCore([hosted.Served], new ServingOptions());
        WhyNoChat = hosted.TemplateProblem is { } problem
            ? $"the chat template of the model '{Model}' cannot be used, so there is no chat: {problem}"
            : hosted.Served.Template is null
                ? $"the model '{Model}' has no chat template, so there is no chat; continue a text with 'llmserve run', or use another model"
                : null;
    }

    /// <inheritdoc/>
    public string? WhyNoChat { get; }

    /// <inheritdoc/>
    public string Model => _hosted.Model.Id;

    /// <summary>Loads a model and starts its engine.</summary>
    /// <exception cref="OptionException">There is no such model.</exception>
    public static async Task<EngineChatConnection> StartAsync(
        CliServices services, ModelSettings settings, SamplingSettings sampling, CancellationToken cancellation) =>
        new(await HostedModel.StartAsync(settings, null, services.Models, new ConsoleLoadWatcher(services.Console), cancellation: cancellation), sampling);

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> ChatAsync(IReadOnlyList<ChatTurn> conversation, CancellationToken cancellation) =>
        WhyNoChat is { } reason ? throw new CliException(reason) : AnswerAsync(
            new ConversationPrompt { Field = "messages", Messages = [.. conversation.Select(turn => new TemplateMessage(turn.Role, turn.Content))] }, cancellation);

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> GenerateAsync(string prompt, CancellationToken cancellation) =>
        AnswerAsync(new TextPrompt(prompt, parseSpecial: true) { Field = "prompt" }, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _core.Dispose();
        await _hosted.DisposeAsync();
    }

    private async IAsyncEnumerable<AnswerPiece> AnswerAsync(Serving.PromptSource prompt, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var call = new ServedCall { Method = "chat", Client = _core.Clients.OfAddress("here"), Aborted = cancellation };

        // An answer that nobody reads any more makes room for the next.
        using var generation = await StartAsync(call, prompt);
        while (await generation.NextAsync() is { } update)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return new AnswerPiece(update.Text, update.FinishReason == FinishReason.None ? null : EndOf(update));
        }

        cancellation.ThrowIfCancellationRequested();
    }

    private async Task<Generation> StartAsync(ServedCall call, Serving.PromptSource prompt)
    {
        try
        {
            var generation = await _core.Generations.StartAsync(call, new GenerationInput { Model = _hosted.Served, Prompt = prompt, Settings = Settings() });
            call.Aborted.ThrowIfCancellationRequested();
            return generation ?? throw new CliException(call.Outcome!.Message);
        }
        catch (TemplateException error)
        {
            throw new CliException($"the model's chat template does not take this conversation: {error.Message}", ExitCode.Failure, error);
        }
        catch (RequestException error)
        {
            throw new CliException(error.Message, ExitCode.Failure, error);
        }
    }

    private GenerationSettings Settings()
    {
        var neutral = new SamplingOptions();
        return new GenerationSettings
        {
            MaxTokens = _sampling.MaxTokens,
            Stop = _sampling.Stop,
            Rule = _sampling.Rule?.Rule,
            RuleField = _sampling.Rule?.Origin ?? "",
            Sampling = neutral with
            {
                Temperature = _sampling.Temperature ?? neutral.Temperature,
                TopK = _sampling.TopK ?? neutral.TopK,
                TopP = _sampling.TopP ?? neutral.TopP,
                MinP = _sampling.MinP ?? neutral.MinP,
                Seed = _sampling.Seed ?? neutral.Seed,
                RepetitionPenalty = _sampling.RepetitionPenalty ?? neutral.RepetitionPenalty,
            },
        };
    }

    private static AnswerEnd EndOf(GenerationUpdate update) => new(
        update.FinishReason.ToString().ToLowerInvariant(),
        update.Usage?.PromptTokens ?? 0,
        update.Usage?.CachedPromptTokens ?? 0,
        update.Usage?.CompletionTokens ?? 0,
        update.Timings?.Prefill ?? 0,
        update.Timings?.Decode ?? 0);
}
