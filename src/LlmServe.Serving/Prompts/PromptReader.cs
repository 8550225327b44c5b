namespace LlmServe.Serving;

/// <summary>Turns what a client sent into token ids, on the text workers.</summary>
internal sealed class PromptReader(TextWorkers workers, ServingOptions options)
{
    /// <summary>The ids of a prompt; null: the call was given up, or there is no room, as its outcome says.</summary>
    public ValueTask<IReadOnlyList<int>?> ReadAsync(ServedCall call, GenerationInput input) => input.Prompt.Ready is { } ready
        ? ValueTask.FromResult<IReadOnlyList<int>?>(ready)
        : new ValueTask<IReadOnlyList<int>?>(workers.RunAsync(call, () => input.Prompt.Read(input.Model, options)));
}
