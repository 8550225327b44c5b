using System.Text.Json.Serialization;

namespace LlmServe.Http;

/// <summary>Sizes of a model, by llama-server's names.</summary>
internal sealed record ModelMeta(
    [property: JsonPropertyName("n_ctx_train")] int Context, [property: JsonPropertyName("n_vocab")] int Vocabulary, [property: JsonPropertyName("n_params")] long Parameters);
