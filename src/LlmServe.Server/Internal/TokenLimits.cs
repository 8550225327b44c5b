using LlmServe.Engine;

namespace LlmServe.Server.Internal;

/// <summary>The bounds on prompt and answer that the server and a client's key set, beside the model's context.</summary>
internal sealed class TokenLimits(ServerOptions options)
{
    /// <summary>Checks a generation and bounds an answer that has no limit of its own.</summary>
    /// <param name="request">The generation.</param>
    /// <param name="promptField">The request's field that the prompt came from.</param>
    /// <param name="caller">Who asks.</param>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: the prompt or the wanted answer is longer than allowed.</exception>
    public GenerationRequest Apply(GenerationRequest request, string promptField, Caller caller)
    {
        Check(request.Prompt.Count, request.MaxTokens, promptField, caller);
        return request with { MaxTokens = request.MaxTokens ?? LongestAnswer(caller) };
    }

    /// <summary>Checks a generation's size.</summary>
    /// <param name="promptTokens">Tokens of its prompt.</param>
    /// <param name="maxTokens">Most tokens of its answer, if it has such a limit.</param>
    /// <param name="promptField">The request's field that the prompt came from.</param>
    /// <param name="caller">Who asks.</param>
    /// <exception cref="Grpc.Core.RpcException">INVALID_ARGUMENT: the prompt or the wanted answer is longer than allowed.</exception>
    public void Check(int promptTokens, int? maxTokens, string promptField, Caller caller)
    {
        if (Least(options.MaxPromptTokens, caller.Key?.MaxPromptTokens) is { } most && promptTokens > most)
        {
            throw Failures.Invalid(promptField, $"the prompt has {promptTokens} tokens; {WhoAllows(caller.Key?.MaxPromptTokens, most, caller)} at most {most}");
        }

        if (LongestAnswer(caller) is { } longest && maxTokens > longest)
        {
            throw Failures.Invalid("options.max_tokens", $"is {maxTokens}; {WhoAllows(caller.Key?.MaxOutputTokens, longest, caller)} at most {longest}");
        }
    }

    /// <summary>Most tokens of an answer to this caller; null: as many as the context holds.</summary>
    public int? LongestAnswer(Caller caller) => Least(options.MaxOutputTokens, caller.Key?.MaxOutputTokens);

    private static int? Least(int? one, int? other) => one is null ? other : other is null ? one : Math.Min(one.Value, other.Value);

    private static string WhoAllows(int? ofKey, int limit, Caller caller) => ofKey == limit ? $"the API key '{caller.Name}' allows" : "this server allows";
}
