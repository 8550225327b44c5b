using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>Turns what a client sent into token ids, on the text workers.</summary>
internal sealed class PromptReader(TextWorkers workers, TokenLimits limits, ServingOptions options)
{
    /// <summary>Makes the ids of a prompt.</summary>
    /// <param name="call">The call.</param>
    /// <param name="input">What it asks for.</param>
    /// <param name="place">The place that it holds in the engine's queue; null: none.</param>
    /// <returns>Null: the call has ended, or there is no room, as its outcome says.</returns>
    public ValueTask<IReadOnlyList<int>?> ReadAsync(ServedCall call, GenerationInput input, AdmissionTicket? place)
    {
        if (input.Prompt.Ready is { } ready)
        {
            return ValueTask.FromResult<IReadOnlyList<int>?>(ready);
        }

        int most = Math.Min(input.Model.Engine.ContextLength, limits.LongestPrompt(call.Client) ?? int.MaxValue);
        return workers.RunAsync(call, cancellation => input.Prompt.Read(input.Model, options, most, cancellation), place);
    }
}
