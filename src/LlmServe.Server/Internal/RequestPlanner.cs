using Grpc.Core;
using LlmServe.Engine;

namespace LlmServe.Server.Internal;

/// <summary>Answers <c>ModelService.Plan</c>: reads a request as its own method would, then asks the engine what it would get.</summary>
internal sealed class RequestPlanner(ModelCatalog catalog, ChatPrompt prompts, TokenLimits limits)
{
    /// <summary>Plans a request.</summary>
    /// <param name="request">What to plan.</param>
    /// <param name="caller">Who would ask.</param>
    /// <exception cref="RpcException">The request itself is wrong; fields are named from its own message on.</exception>
    public V1.PlanResponse Plan(V1.PlanRequest request, Caller caller)
    {
        var (model, promptTokens, maxTokens) = Measure(request);
        try
        {
            limits.Check(promptTokens, maxTokens, "prompt_tokens", caller);
        }
        catch (RpcException refused)
        {
            return Refuse(promptTokens, refused.Status.Detail, model.Engine.Statistics);
        }

        if (!caller.HasRoom)
        {
            return Refuse(promptTokens, "the API key has as many answers running as it may", model.Engine.Statistics);
        }

        // The caller's own limit is a limit of the answer, as it is when the request runs.
        var plan = model.Engine.Plan(promptTokens, maxTokens ?? limits.LongestAnswer(caller), caller.Name, caller.Priority);
        return new V1.PlanResponse
        {
            Accepted = plan.Accepted,
            Refusal = plan.Refusal ?? "",
            PromptTokens = promptTokens,
            WaitSeconds = plan.Wait.TotalSeconds,
            TimeToFirstTokenSeconds = plan.TimeToFirstToken.TotalSeconds,
            TokensPerSecond = plan.TokensPerSecond,
            TotalSeconds = plan.Total.TotalSeconds,
            Running = plan.Running,
            Waiting = plan.Waiting,
        };
    }

    private (ServedModel Model, int PromptTokens, int? MaxTokens) Measure(V1.PlanRequest request)
    {
        switch (request.RequestCase)
        {
            case V1.PlanRequest.RequestOneofCase.Chat:
                var chatModel = catalog.Find(request.Chat.Model);
                return (chatModel, prompts.Read(request.Chat, chatModel).Count, MaxTokensOf(request.Chat.Options));
            case V1.PlanRequest.RequestOneofCase.Generate:
                var textModel = catalog.Find(request.Generate.Model);
                var (ids, field) = TextPrompt.Read(request.Generate, textModel.Engine.Tokenizer);
                return ids.Count > 0
                    ? (textModel, ids.Count, MaxTokensOf(request.Generate.Options))
                    : throw Failures.Invalid(field, "the prompt must have at least one token; it is empty");
            case V1.PlanRequest.RequestOneofCase.Size:
                var size = request.Size;
                return size.PromptTokens >= 1
                    ? (catalog.Find(size.Model), size.PromptTokens, CheckMaxTokens(size.HasMaxTokens ? size.MaxTokens : null, "size.max_tokens"))
                    : throw Failures.Invalid("size.prompt_tokens", $"is {size.PromptTokens}; allowed is 1 or more");
            default:
                throw Failures.Invalid("request", "there is nothing to plan; set chat, generate or size");
        }
    }

    private static int? MaxTokensOf(V1.GenerationOptions? options) =>
        CheckMaxTokens(options is { HasMaxTokens: true } ? options.MaxTokens : null, "options.max_tokens");

    private static int? CheckMaxTokens(int? maxTokens, string field) =>
        maxTokens is < 1 ? throw Failures.Invalid(field, $"is {maxTokens}; allowed is 1 or more") : maxTokens;

    private static V1.PlanResponse Refuse(int promptTokens, string why, EngineStatistics load) =>
        new() { Refusal = why, PromptTokens = promptTokens, Running = load.Running, Waiting = load.Waiting };
}
