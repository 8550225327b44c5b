namespace LlmServe.Serving;

/// <summary>The bounds on prompt and answer that the server and a client's key set, beside the model's context.</summary>
internal sealed class TokenLimits(ServingOptions options)
{
    /// <summary>Checks the size of a generation.</summary>
    /// <param name="input">The generation; its fields are named in messages.</param>
    /// <param name="promptTokens">Tokens of its prompt.</param>
    /// <param name="client">Who asks.</param>
    /// <returns>Null, or why it is longer than allowed.</returns>
    public Failure? Check(GenerationInput input, int promptTokens, ServedClient client)
    {
        if (LongestPrompt(client) is { } most && promptTokens > most)
        {
            return Failure.TooLong(
                input.Prompt.Field, promptTokens, most, $"the prompt has {promptTokens} tokens; {WhoAllows(client.Key?.MaxPromptTokens, most, client)} at most {most}");
        }

        int context = input.Model.Engine.ContextLength;
        if (promptTokens >= context)
        {
            return Failure.TooLong(
                input.Prompt.Field, promptTokens, context,
                $"the prompt has {promptTokens} tokens, which exceeds the available context size: the context holds {context} tokens, at least one of the answer included");
        }

        int? wanted = input.Settings.MaxTokens;
        return LongestAnswer(client) is { } longest && wanted > longest
            ? Failure.Invalid(input.NameOf("max_tokens"), $"is {wanted}; {WhoAllows(client.Key?.MaxOutputTokens, longest, client)} at most {longest}")
            : null;
    }

    /// <summary>Most tokens of the answer; null: as many as the context holds.</summary>
    public int? MaxTokens(GenerationInput input, ServedClient client) =>
        input.Settings.MaxTokens ?? Least(input.Settings.DefaultMaxTokens, LongestAnswer(client));

    /// <summary>Most tokens of a prompt; null: as many as the context holds.</summary>
    public int? LongestPrompt(ServedClient client) => Least(options.MaxPromptTokens, client.Key?.MaxPromptTokens);

    private int? LongestAnswer(ServedClient client) => Least(options.MaxOutputTokens, client.Key?.MaxOutputTokens);

    private static int? Least(int? one, int? other) => one is null ? other : other is null ? one : Math.Min(one.Value, other.Value);

    private static string WhoAllows(int? ofKey, int limit, ServedClient client) => ofKey == limit ? $"the API key '{client.Name}' allows" : "this server allows";
}
