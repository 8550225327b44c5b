using Grpc.Core;
using LlmServe.Protocol;
using LlmServe.Serving;
using LlmServe.V1;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary><c>llmserve.v1.ModelService</c>.</summary>
// Not sealed, and its methods virtual, since the library finds no others.
[BindServiceMethod(typeof(ModelEndpoint), nameof(Bind))]
internal class ModelEndpoint(GrpcCalls calls, GenerationReader reader, ServingCore core) : ModelService.ModelServiceBase
{
    /// <summary>Binds the service's methods.</summary>
    public static void Bind(ServiceBinderBase binder, ModelEndpoint? service) => ModelService.BindService(new IncomingBinder(binder), null!);

    /// <summary>Lists the models.</summary>
    public virtual Task<ListModelsResponse> ListModels(Incoming<ListModelsRequest> request, ServerCallContext context) =>
        calls.AnswerAsync(request, context, read => read, (_, _) =>
            ValueTask.FromResult<ListModelsResponse?>(new ListModelsResponse { Models = { core.Models.All.Select(ModelDescription.Of) } }));

    /// <summary>Describes one model.</summary>
    public virtual Task<GetModelResponse> GetModel(Incoming<GetModelRequest> request, ServerCallContext context) =>
        calls.AnswerAsync(request, context, read => read, (_, get) =>
            ValueTask.FromResult<GetModelResponse?>(new GetModelResponse { Model = ModelDescription.Of(core.Models.Find(get.Model)) }));

    /// <summary>Says what a request would get if it came now.</summary>
    public virtual Task<PlanResponse> Plan(Incoming<PlanRequest> request, ServerCallContext context) =>
        calls.AnswerAsync(request, context, Read, async (call, planned) =>
        {
            var (input, size) = planned;
            var plan = await (size is { } tokens ? core.Plans.PlanAsync(call, input, tokens) : core.Plans.PlanAsync(call, input)).ConfigureAwait(false);
            return plan is null ? null : ToProto(plan.Plan, plan.PromptTokens);
        });

    private Planned Read(PlanRequest request) => request.RequestCase switch
    {
        PlanRequest.RequestOneofCase.Chat => new Planned(reader.Read(request.Chat), null),
        PlanRequest.RequestOneofCase.Generate => new Planned(reader.Read(request.Generate), null),
        PlanRequest.RequestOneofCase.Size => new Planned(reader.Read(request.Size), request.Size.PromptTokens),
        _ => throw Failure.Invalid("request", "there is nothing to plan; set chat, generate or size").ToException(),
    };

    private static PlanResponse ToProto(Engine.RequestPlan plan, int promptTokens) => new()
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

    /// <summary>What to plan: a request, or merely one of a size.</summary>
    private sealed record Planned(GenerationInput Input, int? PromptTokens);
}
