using LlmServe.Constraints;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>The one way from a client's request to an engine, and from an engine to a client.</summary>
public sealed class GenerationService
{
    private readonly TokenLimits _limits;
    private readonly PromptReader _prompts;
    private readonly RuleCompilers _rules;
    private readonly ServingTotals _totals;

    internal GenerationService(TokenLimits limits, PromptReader prompts, RuleCompilers rules, ServingTotals totals)
    {
        _totals = totals;
        _limits = limits;
        _prompts = prompts;
        _rules = rules;
    }

    /// <summary>Starts a generation: takes a place in the engine's queue, then makes the prompt, then queues it.</summary>
    /// <param name="call">The call; its end, however it comes, frees the place and the sequence.</param>
    /// <param name="input">What to generate.</param>
    /// <returns>Null: it cannot be, and the call's outcome says why.</returns>
    /// <exception cref="RequestException">The request is wrong.</exception>
    public async ValueTask<Generation?> StartAsync(ServedCall call, GenerationInput input)
    {
        call.Model = input.Model.Id;
        if (!input.Model.Engine.TryReserve(call.Client.Name, call.Client.Priority, out var place, out var refusal))
        {
            call.Outcome = EngineFailures.Translate(refusal);
            return null;
        }

        using (place)
        {
            if (await _prompts.ReadAsync(call, input, place).ConfigureAwait(false) is not { } prompt)
            {
                return null;
            }

            // The text itself is of no use any more.
            call.Request?.Dispose();
            if (_limits.Check(input, prompt.Count, call.Client) is { } failure)
            {
                call.Outcome = failure;
                return null;
            }

            var constraint = await CompileAsync(call, input).ConfigureAwait(false);
            call.Outcome = call.EndedBy(place);
            return call.Outcome is null ? Submit(call, input, prompt, constraint, place) : null;
        }
    }

    /// <summary>What the answer must be, as the engine takes it.</summary>
    /// <exception cref="RequestException">It cannot be honoured.</exception>
    internal ValueTask<TokenConstraint?> CompileAsync(ServedCall call, GenerationInput input) =>
        _rules.CompileAsync(call, input.Model.Engine, input.Settings.Rule, input.Settings.RuleField);

    private Generation Submit(ServedCall call, GenerationInput input, IReadOnlyList<int> prompt, TokenConstraint? constraint, AdmissionTicket place)
    {
        var ending = new CancellationTokenSource();
        var abort = call.Aborted.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), ending);
        try
        {
            return new Generation(call, input.Model, place.Submit(RequestOf(input, prompt, constraint, call.Client), ending.Token), ending, abort, _totals);
        }
        catch (Exception exception)
        {
            abort.Dispose();
            ending.Dispose();
            if (exception is EngineException { Error: EngineError.InvalidArgument } wrong)
            {
                throw EngineFailures.Translate(wrong, input).ToException();
            }

            throw;
        }
    }

    /// <summary>The request as the engine takes it.</summary>
    internal GenerationRequest RequestOf(GenerationInput input, IReadOnlyList<int> prompt, TokenConstraint? constraint, ServedClient client) => new()
    {
        Prompt = prompt,
        Sampling = input.Settings.Sampling,
        MaxTokens = _limits.MaxTokens(input, client),
        Stop = input.Settings.Stop,
        Constraint = constraint,
        IgnoreEndOfGeneration = input.Settings.IgnoreEndOfGeneration,
        SpecialTokensInText = input.Settings.SpecialTokensInText,
        LogProbabilities = input.Settings.LogProbabilities,
        Client = client.Name,
        Priority = client.Priority,
    };
}
