using System.Text.Json.Serialization;

namespace LlmServe.Http;

/// <summary>How the objects of OpenAI's API are written.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(TextCompletion))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
