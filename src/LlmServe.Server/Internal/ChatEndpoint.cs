using Grpc.Core;
using LlmServe.V1;

namespace LlmServe.Server.Internal;

/// <summary><c>llmserve.v1.ChatService</c>.</summary>
[BindServiceMethod(typeof(ChatEndpoint), nameof(Bind))]
internal sealed class ChatEndpoint(ModelCatalog catalog, ChatPrompt prompts, GenerationStream stream) : ChatService.ChatServiceBase
{
    /// <summary>Binds the service's methods.</summary>
    public static void Bind(ServiceBinderBase binder, ChatService.ChatServiceBase? service) =>
        ChatService.BindService(new StrictBinder(binder), service!);

    /// <inheritdoc/>
    public override async Task Chat(ChatRequest request, IServerStreamWriter<ChatResponse> responseStream, ServerCallContext context)
    {
        var model = catalog.Find(request.Model);
        var generation = OptionsReader.Read(request.Options) with { Prompt = prompts.Read(request, model) };
        await stream.RunAsync(
            model, generation, "messages", delta => responseStream.WriteAsync(new ChatResponse { Delta = delta }), context).ConfigureAwait(false);
    }
}
