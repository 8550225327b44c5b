using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace LlmServe.SemanticKernel;

/// <summary>Reads and writes response formats: words, schemas, types.</summary>
internal sealed class ResponseFormatConverter : JsonConverter<object>
{
    /// <summary>A format as Microsoft.Extensions.AI has it; null: none is set.</summary>
    /// <exception cref="ArgumentException">It is no format.</exception>
    public static ChatResponseFormat? ToFormat(object? format) => format switch
    {
        null => null,
        ChatResponseFormat known => known,
        "text" => ChatResponseFormat.Text,
        "json_object" => ChatResponseFormat.Json,
        Type type => ChatResponseFormat.ForJsonSchema(type),
        JsonElement { ValueKind: JsonValueKind.String } word => ToFormat(word.GetString()),
        JsonElement { ValueKind: JsonValueKind.Object } schema => ChatResponseFormat.ForJsonSchema(schema),
        JsonDocument document => ToFormat(document.RootElement),
        _ => throw new ArgumentException(
            $"ResponseFormat is {format}; allowed are \"text\", \"json_object\", a JSON Schema (a JsonElement that is an object), a Type and a ChatResponseFormat."),
    };

    /// <inheritdoc/>
    public override object Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : JsonElement.ParseValue(ref reader);

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options)
    {
        switch (ToFormat(value))
        {
            case ChatResponseFormatJson { Schema: { } schema }:
                schema.WriteTo(writer);
                break;
            case ChatResponseFormatJson:
                writer.WriteStringValue("json_object");
                break;
            default:
                writer.WriteStringValue("text");
                break;
        }
    }
}
