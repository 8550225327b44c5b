using Grpc.Core;
using LlmServe.Protocol;
using LlmServe.Serving;
using LlmServe.V1;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary><c>llmserve.v1.ChatService</c>.</summary>
// Not sealed, and its methods virtual, since the library finds no others.
[BindServiceMethod(typeof(ChatEndpoint), nameof(Bind))]
internal class ChatEndpoint(GrpcCalls calls, GenerationReader reader, GenerationService generations) : ChatService.ChatServiceBase
{
    /// <summary>Binds the service's methods.</summary>
    public static void Bind(ServiceBinderBase binder, ChatEndpoint? service) => ChatService.BindService(new IncomingBinder(binder), null!);

    /// <summary>Answers a conversation.</summary>
    public virtual Task Chat(Incoming<ChatRequest> request, IServerStreamWriter<ChatResponse> responseStream, ServerCallContext context) =>
        calls.StreamAsync(request, context, reader.Read, async (call, input) =>
        {
            using var generation = await generations.StartAsync(call, input).ConfigureAwait(false);
            await DeltaWriter.SendAsync(generation, responseStream, delta => new ChatResponse { Delta = delta }, call).ConfigureAwait(false);
        });
}
