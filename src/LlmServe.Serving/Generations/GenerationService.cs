using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>The one way from a client's request to an engine, and from an engine to a client.</summary>
public sealed class GenerationService
{
    private readonly TokenLimits _limits;
    private readonly PromptReader _prompts;

    internal GenerationService(TokenLimits limits, PromptReader prompts)
    {
        _limits = limits;
        _prompts = prompts;
    }

    /// <summary>Starts a generation.</summary>
    /// <param name="call">The call; its end, however it comes, frees the sequence.</param>
    /// <param name="input">What to generate.</param>
    /// <returns>Null: it cannot be; the call ends with the reason as its outcome.</returns>
    /// <exception cref="RequestException">The request is wrong, or there is no room.</exception>
    public async ValueTask<Generation?> StartAsync(ServedCall call, GenerationInput input)
    {
        call.Model = input.Model.Id;
        if (await _prompts.ReadAsync(call, input).ConfigureAwait(false) is not { } prompt)
        {
            return null;
        }

        if (_limits.Check(input, prompt.Count, call.Client) is { } tooLong)
        {
            throw tooLong.ToException();
        }

        var ending = new CancellationTokenSource();
        var abort = call.Aborted.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), ending);
        try
        {
            var updates = input.Model.Engine.Submit(RequestOf(input, prompt, call.Client), ending.Token);
            return new Generation(call, input.Model, updates, ending, abort);
        }
        catch (Exception exception)
        {
            abort.Dispose();
            ending.Dispose();
            if (exception is EngineException { Error: not EngineError.Failed } refused)
            {
                throw EngineFailures.Translate(refused, input).ToException();
            }

            throw;
        }
    }

    /// <summary>The request as the engine takes it.</summary>
    internal GenerationRequest RequestOf(GenerationInput input, IReadOnlyList<int> prompt, ServedClient client) => new()
    {
        Prompt = prompt,
        Sampling = input.Settings.Sampling,
        MaxTokens = _limits.MaxTokens(input, client),
        Stop = input.Settings.Stop,
        IgnoreEndOfGeneration = input.Settings.IgnoreEndOfGeneration,
        SpecialTokensInText = input.Settings.SpecialTokensInText,
        LogProbabilities = input.Settings.LogProbabilities,
        Client = client.Name,
        Priority = client.Priority,
    };
}
