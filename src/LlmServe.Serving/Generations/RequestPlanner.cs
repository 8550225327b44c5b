using LlmServe.Constraints;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>Says what a request would get if it came now: reads it as its own call would, then asks the engine, both on the text workers.</summary>
public sealed class RequestPlanner
{
    private readonly TokenLimits _limits;
    private readonly PromptReader _prompts;
    private readonly GenerationService _generations;
    private readonly TextWorkers _workers;

    internal RequestPlanner(TokenLimits limits, PromptReader prompts, GenerationService generations, TextWorkers workers)
    {
        _workers = workers;
        _limits = limits;
        _prompts = prompts;
        _generations = generations;
    }

    /// <summary>Plans a request.</summary>
    /// <returns>The plan and the prompt's tokens; null: the call was given up, or there is no room, as its outcome says.</returns>
    /// <exception cref="RequestException">The request itself is wrong.</exception>
    public async ValueTask<PlannedRequest?> PlanAsync(ServedCall call, GenerationInput input)
    {
        call.Model = input.Model.Id;
        if (await _prompts.ReadAsync(call, input, null).ConfigureAwait(false) is not { } prompt)
        {
            return null;
        }

        var constraint = await _generations.CompileAsync(call, input).ConfigureAwait(false);
        return await _workers.RunAsync(call, _ => Plan(call, input, prompt, constraint)).ConfigureAwait(false);
    }

    /// <summary>Plans any request of a size.</summary>
    /// <param name="call">Who would ask.</param>
    /// <param name="input">The request; of its prompt only the field's name counts.</param>
    /// <param name="promptTokens">Tokens of its prompt, at least 1.</param>
    /// <returns>Null: the call was given up, or there is no room, as its outcome says.</returns>
    public ValueTask<PlannedRequest?> PlanAsync(ServedCall call, GenerationInput input, int promptTokens)
    {
        call.Model = input.Model.Id;
        return _workers.RunAsync(call, _ => Plan(call, input, promptTokens));
    }

    private PlannedRequest Plan(ServedCall call, GenerationInput input, IReadOnlyList<int> prompt, TokenConstraint? constraint)
    {
        if (Refusal(input, prompt.Count, call.Client) is { } refusal)
        {
            return Refuse(refusal, input.Model.Engine, prompt.Count);
        }

        try
        {
            return new PlannedRequest(input.Model.Engine.Plan(_generations.RequestOf(input, prompt, constraint, call.Client)), prompt.Count);
        }
        catch (EngineException exception) when (exception.Error == EngineError.InvalidArgument)
        {
            throw EngineFailures.Translate(exception, input).ToException();
        }
    }

    private PlannedRequest Plan(ServedCall call, GenerationInput input, int promptTokens)
    {
        var client = call.Client;
        return Refusal(input, promptTokens, client) is { } refusal
            ? Refuse(refusal, input.Model.Engine, promptTokens)
            : new PlannedRequest(input.Model.Engine.Plan(promptTokens, _limits.MaxTokens(input, client), client.Name, client.Priority), promptTokens);
    }

    private string? Refusal(GenerationInput input, int promptTokens, ServedClient client) =>
        _limits.Check(input, promptTokens, client)?.Message ?? (client.HasRoom ? null : "the API key has as many answers running as it may");

    private static PlannedRequest Refuse(string why, LlmEngine engine, int promptTokens)
    {
        var load = engine.Statistics;
        return new PlannedRequest(
            new RequestPlan(false, why, TimeSpan.Zero, TimeSpan.Zero, 0, TimeSpan.Zero, load.Running, load.Waiting), promptTokens);
    }
}
