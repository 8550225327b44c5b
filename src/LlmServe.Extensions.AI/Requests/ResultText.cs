using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmServe.Extensions.AI.Requests;

/// <summary>What a function gave, as the model reads it: a text as it is, anything else as JSON.</summary>
internal static class ResultText
{
    /// <summary>The text of a result.</summary>
    public static string Of(FunctionResultContent result) => result.Result switch
    {
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        JsonElement { ValueKind: JsonValueKind.Undefined } => "",
        null => result.Exception is { } failure ? $"Error: {failure.Message}" : "",
        TextContent text => text.Text,
        IEnumerable<AIContent> contents when contents.All(content => content is TextContent) => string.Concat(contents),
        var other => JsonWriting.Text(json => JsonWriting.WriteValue(json, other)),
    };
}
