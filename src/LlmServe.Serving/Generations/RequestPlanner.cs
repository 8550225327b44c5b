using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>Says what a request would get if it came now: reads it as its own call would, then asks the engine.</summary>
public sealed class RequestPlanner
{
    private readonly TokenLimits _limits;
    private readonly PromptReader _prompts;
    private readonly GenerationService _generations;

    internal RequestPlanner(TokenLimits limits, PromptReader prompts, GenerationService generations)
    {
        _limits = limits;
        _prompts = prompts;
        _generations = generations;
    }

    /// <summary>Plans a request.</summary>
    /// <returns>The plan and the prompt's tokens; null: the call was given up, or there is no room, as its outcome says.</returns>
    /// <exception cref="RequestException">The request itself is wrong.</exception>
    public async ValueTask<(RequestPlan Plan, int PromptTokens)?> PlanAsync(ServedCall call, GenerationInput input)
    {
        call.Model = input.Model.Id;
        if (await _prompts.ReadAsync(call, input, null).ConfigureAwait(false) is not { } prompt)
        {
            return null;
        }

        var engine = input.Model.Engine;
        if (Refusal(input, prompt.Count, call.Client) is { } refusal)
        {
            return (Refuse(refusal, engine), prompt.Count);
        }

        try
        {
            return (engine.Plan(_generations.RequestOf(input, prompt, call.Client)), prompt.Count);
        }
        catch (EngineException exception) when (exception.Error == EngineError.InvalidArgument)
        {
            throw EngineFailures.Translate(exception, input).ToException();
        }
    }

    /// <summary>Plans any request of a size.</summary>
    /// <param name="call">Who would ask.</param>
    /// <param name="input">The request; of its prompt only the field's name counts.</param>
    /// <param name="promptTokens">Tokens of its prompt, at least 1.</param>
    public RequestPlan Plan(ServedCall call, GenerationInput input, int promptTokens)
    {
        call.Model = input.Model.Id;
        var engine = input.Model.Engine;
        return Refusal(input, promptTokens, call.Client) is { } refusal
            ? Refuse(refusal, engine)
            : engine.Plan(promptTokens, _limits.MaxTokens(input, call.Client), call.Client.Name, call.Client.Priority);
    }

    private string? Refusal(GenerationInput input, int promptTokens, ServedClient client) =>
        _limits.Check(input, promptTokens, client)?.Message ?? (client.HasRoom ? null : "the API key has as many answers running as it may");

    private static RequestPlan Refuse(string why, LlmEngine engine)
    {
        var load = engine.Statistics;
        return new RequestPlan(false, why, TimeSpan.Zero, TimeSpan.Zero, 0, TimeSpan.Zero, load.Running, load.Waiting);
    }
}
