using Grpc.Core;
using LlmServe.Protocol;
using LlmServe.Serving;
using LlmServe.V1;

namespace LlmServe.Server.Internal.GrpcApi;

/// <summary><c>llmserve.v1.TextService</c>.</summary>
// Not sealed, and its methods virtual, since the library finds no others.
[BindServiceMethod(typeof(TextEndpoint), nameof(Bind))]
internal class TextEndpoint(GrpcCalls calls, GenerationReader reader, ServingCore core) : V1.TextService.TextServiceBase
{
    /// <summary>Binds the service's methods.</summary>
    public static void Bind(ServiceBinderBase binder, TextEndpoint? service) => V1.TextService.BindService(new IncomingBinder(binder), null!);

    /// <summary>Continues a prompt.</summary>
    public virtual Task Generate(Incoming<GenerateRequest> request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context) =>
        calls.StreamAsync(request, context, reader.Read, async (call, input) =>
        {
            using var generation = await core.Generations.StartAsync(call, input).ConfigureAwait(false);
            await DeltaWriter.SendAsync(generation, responseStream, delta => new GenerateResponse { Delta = delta }, call).ConfigureAwait(false);
        });

    /// <summary>Turns text into token ids.</summary>
    public virtual Task<TokenizeResponse> Tokenize(Incoming<TokenizeRequest> request, ServerCallContext context) =>
        calls.AnswerAsync(request, context, read => read, async (call, tokenize) =>
        {
            var model = core.Models.Find(tokenize.Model);
            var text = GenerationReader.ReadText(tokenize.Text, tokenize.Options);
            if (await core.Texts.TokenizeAsync(call, model, text).ConfigureAwait(false) is not { } ids)
            {
                return null;
            }

            var response = new TokenizeResponse { TokenIds = { ids } };
            if (tokenize.IncludePieces)
            {
                response.Pieces.AddRange(ids.Select(model.Engine.Tokenizer.PieceOf));
            }

            return response;
        });

    /// <summary>Turns token ids into text.</summary>
    public virtual Task<DetokenizeResponse> Detokenize(Incoming<DetokenizeRequest> request, ServerCallContext context) =>
        calls.AnswerAsync(request, context, read => read, async (call, detokenize) =>
        {
            string? text = await core.Texts.DetokenizeAsync(
                call, core.Models.Find(detokenize.Model), detokenize.TokenIds, "token_ids", detokenize.SpecialTokensInText).ConfigureAwait(false);
            return text is null ? null : new DetokenizeResponse { Text = text };
        });
}
