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
    private readonly RunningModel _running;
    private readonly SamplingSettings _sampling;
    private readonly ChatTemplate? _template;

    private EngineChatConnection(RunningModel running, SamplingSettings sampling)
    {
        _running = running;
        _sampling = sampling;
        if (running.Model.TemplateSource is not { } source)
        {
            WhyNoChat = $"the model '{Model}' has no chat template, so there is no chat; continue a text with 'llmserve run', or use another model";
            return;
        }

        try
        {
            _template = ChatTemplate.Parse(source);
        }
        catch (TemplateException error)
        {
            WhyNoChat = $"the chat template of the model '{Model}' cannot be used, so there is no chat: {error.Message}";
        }
    }

    /// <inheritdoc/>
    public string? WhyNoChat { get; }

    /// <inheritdoc/>
    public string Model => _running.Model.Id;

    /// <summary>Loads a model and starts its engine.</summary>
    /// <exception cref="CliException">There is no such model.</exception>
    public static async Task<EngineChatConnection> StartAsync(
        CliServices services, ModelSettings settings, SamplingSettings sampling, CancellationToken cancellation) =>
        new(await RunningModel.StartAsync(services, settings, new EngineOptions(), cancellation), sampling);

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> ChatAsync(IReadOnlyList<ChatTurn> conversation, CancellationToken cancellation)
    {
        var template = _template ?? throw new CliException(WhyNoChat!);
        var tokenizer = _running.Model.Tokenizer;
        RenderedText prompt;
        try
        {
            prompt = template.Render(new ChatTemplateInput
            {
                Messages = [.. conversation.Select(turn => new TemplateMessage(turn.Role, turn.Content))],
                Now = DateTimeOffset.Now,
                BosToken = tokenizer.BosId is { } bos ? tokenizer.PieceOf(bos) : "",
                EosToken = tokenizer.EosId is { } eos ? tokenizer.PieceOf(eos) : "",
            });
        }
        catch (TemplateException error)
        {
            throw new CliException($"the model's chat template does not take this conversation: {error.Message}", ExitCode.Failure, error);
        }

        // The template writes the special tokens itself; those that a message spells out stay text.
        return AnswerAsync(prompt, addSpecial: false, cancellation);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<AnswerPiece> GenerateAsync(string prompt, CancellationToken cancellation) =>
        AnswerAsync(new RenderedText(prompt, []), addSpecial: true, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _running.DisposeAsync();

    private async IAsyncEnumerable<AnswerPiece> AnswerAsync(RenderedText text, bool addSpecial, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var prompt = new List<int>();
        _running.Model.Tokenizer.Encode(text.Text, addSpecial, text.Inputs, prompt, cancellation);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            await foreach (var update in _running.Engine.Submit(Request(prompt), ending.Token).ReadAllAsync(cancellation))
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

    private static AnswerEnd EndOf(GenerationUpdate update) => new(
        update.FinishReason.ToString().ToLowerInvariant(),
        update.Usage?.PromptTokens ?? 0,
        update.Usage?.CachedPromptTokens ?? 0,
        update.Usage?.CompletionTokens ?? 0,
        update.Timings?.Prefill ?? 0,
        update.Timings?.Decode ?? 0);
}
