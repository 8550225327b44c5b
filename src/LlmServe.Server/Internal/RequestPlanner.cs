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
        switch (request.RequestCase)
        {
            case V1.PlanRequest.RequestOneofCase.Chat:
                var chatModel = catalog.Find(request.Chat.Model);
                return Plan(chatModel, OptionsReader.Read(request.Chat.Options) with { Prompt = prompts.Read(request.Chat, chatModel) }, "messages", caller);
            case V1.PlanRequest.RequestOneofCase.Generate:
                var textModel = catalog.Find(request.Generate.Model);
                var (ids, field) = TextPrompt.Read(request.Generate, textModel.Engine.Tokenizer);
                return Plan(textModel, OptionsReader.Read(request.Generate.Options) with { Prompt = ids }, field, caller);
            case V1.PlanRequest.RequestOneofCase.Size:
                return Plan(request.Size, caller);
            default:
                throw Failures.Invalid("request", "there is nothing to plan; set chat, generate or size");
        }
    }

    private V1.PlanResponse Plan(ServedModel model, GenerationRequest request, string promptField, Caller caller) =>
        Plan(model.Engine, request.Prompt.Count, request.MaxTokens, promptField, caller, maxTokens =>
        {
            try
            {
                return model.Engine.Plan(request with { MaxTokens = maxTokens, Client = caller.Name, Priority = caller.Priority });
            }
            catch (EngineException exception) when (exception is { Error: EngineError.InvalidArgument, Field: not null })
            {
                throw OptionsReader.Translate(exception, promptField);
            }
        });

    private V1.PlanResponse Plan(V1.RequestSize size, Caller caller)
    {
        var engine = catalog.Find(size.Model).Engine;
        int? wanted = size.HasMaxTokens ? size.MaxTokens : null;
        if (size.PromptTokens < 1)
        {
            throw Failures.Invalid("size.prompt_tokens", $"is {size.PromptTokens}; allowed is 1 or more");
        }

        return wanted is < 1
            ? throw Failures.Invalid("size.max_tokens", $"is {wanted}; allowed is 1 or more")
            : Plan(engine, size.PromptTokens, wanted, "size.prompt_tokens", caller,
                maxTokens => engine.Plan(size.PromptTokens, maxTokens, caller.Name, caller.Priority));
    }

    private V1.PlanResponse Plan(
        LlmEngine engine, int promptTokens, int? wanted, string promptField, Caller caller, Func<int?, RequestPlan> ask)
    {
        try
        {
            limits.Check(promptTokens, wanted, promptField, caller);
        }
        catch (RpcException refused)
        {
            return Refuse(promptTokens, refused.Status.Detail, engine.Statistics);
        }

        if (!caller.HasRoom)
        {
            return Refuse(promptTokens, "the API key has as many answers running as it may", engine.Statistics);
        }

        // The caller's own limit is a limit of the answer, as it is when the request runs.
        var plan = ask(wanted ?? limits.LongestAnswer(caller));
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

    private static V1.PlanResponse Refuse(int promptTokens, string why, EngineStatistics load) =>
        new() { Refusal = why, PromptTokens = promptTokens, Running = load.Running, Waiting = load.Waiting };
}
