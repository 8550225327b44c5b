using Grpc.Core;
using LlmServe.Text;
using LlmServe.V1;

namespace LlmServe.Server.Internal;

/// <summary><c>llmserve.v1.TextService</c>.</summary>
[BindServiceMethod(typeof(TextEndpoint), nameof(Bind))]
internal sealed class TextEndpoint(ModelCatalog catalog, GenerationStream stream) : TextService.TextServiceBase
{
    /// <summary>Binds the service's methods.</summary>
    public static void Bind(ServiceBinderBase binder, TextService.TextServiceBase? service) =>
        TextService.BindService(new StrictBinder(binder), service!);

    /// <inheritdoc/>
    public override async Task Generate(GenerateRequest request, IServerStreamWriter<GenerateResponse> responseStream, ServerCallContext context)
    {
        var model = catalog.Find(request.Model);
        var tokenizer = model.Engine.Tokenizer;
        var (prompt, field) = TextPrompt.Read(request, tokenizer);
        var generation = OptionsReader.Read(request.Options) with { Prompt = prompt };
        await stream.RunAsync(
            model, generation, field, delta => responseStream.WriteAsync(new GenerateResponse { Delta = delta }), context).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override Task<TokenizeResponse> Tokenize(TokenizeRequest request, ServerCallContext context)
    {
        var tokenizer = catalog.Find(request.Model).Engine.Tokenizer;
        var ids = TextPrompt.Encode(request.Text, request.Options, tokenizer);
        var response = new TokenizeResponse();
        response.TokenIds.AddRange(ids);
        if (request.IncludePieces)
        {
            response.Pieces.AddRange(ids.Select(tokenizer.PieceOf));
        }

        return Task.FromResult(response);
    }

    /// <inheritdoc/>
    public override Task<DetokenizeResponse> Detokenize(DetokenizeRequest request, ServerCallContext context)
    {
        var tokenizer = catalog.Find(request.Model).Engine.Tokenizer;
        CheckIds(request.TokenIds, tokenizer);
        return Task.FromResult(new DetokenizeResponse { Text = tokenizer.Decode([.. request.TokenIds], request.SpecialTokensInText) });
    }

    private static void CheckIds(IList<int> ids, ITokenizer tokenizer)
    {
        for (int i = 0; i < ids.Count; i++)
        {
            if (ids[i] < 0 || ids[i] >= tokenizer.VocabularySize)
            {
                throw Failures.Invalid($"token_ids[{i}]", $"is {ids[i]}; the model's ids are 0 … {tokenizer.VocabularySize - 1}");
            }
        }
    }
}
