using System.Runtime.CompilerServices;
using LlmServe.Cli.App;
using LlmServe.Cli.Models;
using LlmServe.Cli.Options;
using LlmServe.Engine;
using LlmServe.Text.Templates;

namespace LlmServe.Cli.Chat;

/// <summary>
/// A model in this process, without a server between: starting one, and a client for it, takes longer than loading the embedded model.
/// The answers are the same, since both ways end in the same engine.
/// </summary>
internal sealed class EngineChatConnection : IChatConnection
{
    private readonly LoadedModel _model;
    private readonly LoadedModel? _draft;
    private readonly LlmEngine _engine;
    private readonly SamplingSettings _sampling;
    private ChatTemplate? _template;

    private EngineChatConnection(CliServices services, ModelSettings settings, LoadedModel model, LoadedModel? draft, SamplingSettings sampling)
    {
        _model = model;
        _draft = draft;
        _sampling = sampling;
        _engine = new LlmEngine(model.HandOverExecutor(), model.Tokenizer, new EngineOptions
        {
            MaxSequences = model.Executor.Rows.Slots,
            MaxRowsPerTick = model.Executor.Rows.Capacity,
            Speculate = settings.Speculate,
        }, draft is null ? null : DraftLoader.HandOver(services, draft));
    }

    /// <inheritdoc/>
    public string Model => _model.Id;

    /// <summary>Loads a model and starts its engine.</summary>
    /// <exception cref="CliException">There is no such model.</exception>
    public static async Task<EngineChatConnection> StartAsync(
        CliServices services, ModelSettings settings, SamplingSettings sampling, CancellationToken cancellation)
    {
        var model = await services.Models.LoadAsync(services.Console, settings, cancellation);
        LoadedModel? draft = null;
        try
        {
            draft = await DraftLoader.LoadAsync(services, settings, model, cancellation);
            return new EngineChatConnection(services, settings, model, draft, sampling);
        }
        catch
        {
            draft?.Dispose();
            model.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> ChatAsync(IReadOnlyList<ChatTurn> conversation, CancellationToken cancellation)
    {
        _template ??= ParseTemplate();
        var tokenizer = _model.Tokenizer;
        string text;
        try
        {
            text = _template.Render(ChatTemplateInput.FromMessages(conversation.Select(turn => new ChatMessage(turn.Role, turn.Content)), DateTimeOffset.Now) with
            {
                BosToken = tokenizer.BosId is { } bos ? tokenizer.PieceOf(bos) : "",
                EosToken = tokenizer.EosId is { } eos ? tokenizer.PieceOf(eos) : "",
            });
        }
        catch (TemplateException error)
        {
            throw new CliException($"the model's chat template does not take this conversation: {error.Message}", ExitCode.Failure, error);
        }

        // The template writes the special tokens itself.
        return AnswerAsync(text, addSpecial: false, cancellation);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> GenerateAsync(string prompt, CancellationToken cancellation) => AnswerAsync(prompt, addSpecial: true, cancellation);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _draft?.Dispose();
        _model.Dispose();
    }

    private async IAsyncEnumerable<AnswerPiece> AnswerAsync(string text, bool addSpecial, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var prompt = new List<int>();
        _model.Tokenizer.Encode(text, addSpecial, parseSpecial: true, prompt);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            await foreach (var update in _engine.Submit(Request(prompt), ending.Token).ReadAllAsync(cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                yield return new AnswerPiece(update.Text, update.FinishReason == FinishReason.None ? null : EndOf(update));
            }
        }
        finally
        {
            // An answer that nobody reads any more makes room for the next.
            await ending.CancelAsync();
        }
    }

    private GenerationRequest Request(List<int> prompt)
    {
        var neutral = new SamplingOptions();
        return new GenerationRequest
        {
            Prompt = prompt,
            MaxTokens = _sampling.MaxTokens,
            Stop = _sampling.Stop,
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

    private ChatTemplate ParseTemplate()
    {
        if (_model.TemplateSource is not { } source)
        {
            throw new CliException($"the model '{_model.Id}' has no chat template; continue a text with 'llmserve run', or use another model");
        }

        try
        {
            return ChatTemplate.Parse(source);
        }
        catch (TemplateException error)
        {
            throw new CliException($"the model's chat template cannot be used, so there is no chat: {error.Message}", ExitCode.Failure, error);
        }
    }

    private static AnswerEnd EndOf(GenerationUpdate update) => new(
        update.FinishReason.ToString().ToLowerInvariant(),
        update.Usage?.PromptTokens ?? 0,
        update.Usage?.CachedPromptTokens ?? 0,
        update.Usage?.CompletionTokens ?? 0,
        update.Timings?.Prefill ?? 0,
        update.Timings?.Decode ?? 0);
}
