using Grpc.Core;
using LlmServe.V1;

namespace LlmServe.Server.Internal;

/// <summary><c>llmserve.v1.ModelService</c>.</summary>
[BindServiceMethod(typeof(ModelEndpoint), nameof(Bind))]
internal sealed class ModelEndpoint(ModelCatalog catalog, RequestPlanner planner) : ModelService.ModelServiceBase
{
    /// <summary>Binds the service's methods.</summary>
    public static void Bind(ServiceBinderBase binder, ModelService.ModelServiceBase? service) =>
        ModelService.BindService(new StrictBinder(binder), service!);

    /// <inheritdoc/>
    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context)
    {
        var response = new ListModelsResponse();
        response.Models.AddRange(catalog.Models.Select(Describe));
        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override Task<GetModelResponse> GetModel(GetModelRequest request, ServerCallContext context) =>
        Task.FromResult(new GetModelResponse { Model = Describe(catalog.Find(request.Model)) });

    /// <inheritdoc/>
    public override Task<PlanResponse> Plan(PlanRequest request, ServerCallContext context) =>
        Task.FromResult(planner.Plan(request, Caller.Of(context.GetHttpContext())));

    private static Model Describe(ServedModel served)
    {
        var info = served.Engine.Model;
        var tokenizer = served.Engine.Tokenizer;
        var model = new Model
        {
            Id = served.Id,
            Name = served.Name,
            Architecture = info.Architecture,
            Quantization = served.Quantization,
            ContextLength = served.Engine.ContextLength,
            VocabularySize = info.VocabularySize,
            ParameterCount = served.ParameterCount,
            HasChatTemplate = served.Template is not null,
            ChatTemplate = served.TemplateSource,
        };
        if (tokenizer.BosId is { } bos)
        {
            model.BosTokenId = bos;
        }

        if (tokenizer.EosId is { } eos)
        {
            model.EosTokenId = eos;
        }

        model.EndOfGenerationTokenIds.AddRange(tokenizer.EndOfGenerationIds.Order());
        return model;
    }
}
