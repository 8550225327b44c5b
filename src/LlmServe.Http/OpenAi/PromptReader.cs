using System.Text.Json;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>Reads prompts: a text, token ids, or an array of either.</summary>
internal static class PromptReader
{
    private const int MostPrompts = 64;

    /// <summary>Reads the prompts of a field.</summary>
    /// <exception cref="RequestException">There is none, or something is wrong with one.</exception>
    public static IReadOnlyList<PromptSource> Read(RequestFields fields, string name)
    {
        var value = fields.Any(name) ?? throw fields.Missing(name);
        string place = fields.PathOf(name);
        if (value.ValueKind != JsonValueKind.Array)
        {
            return [One(value, place)];
        }

        if (value.GetArrayLength() is 0 or > MostPrompts && !IsTokens(value))
        {
            throw Failure.Invalid(place, $"has {value.GetArrayLength()} prompts; allowed are 1 … {MostPrompts}").ToException();
        }

        return IsTokens(value) ? [One(value, place)] : [.. value.EnumerateArray().Select((item, i) => One(item, $"{place}[{i}]"))];
    }

    private static PromptSource One(JsonElement value, string place) => value.ValueKind switch
    {
        JsonValueKind.String => new TextPrompt(RequestFields.TextOf(value, place)) { Field = place },
        JsonValueKind.Array when IsTokens(value) => new TokenPrompt([.. value.EnumerateArray().Select((id, i) => Id(id, $"{place}[{i}]"))]) { Field = place },
        _ => throw RequestFields.WrongType(place, value, "a text or an array of token ids is"),
    };

    private static bool IsTokens(JsonElement value) => value.GetArrayLength() > 0 && value[0].ValueKind == JsonValueKind.Number;

    /// <summary>A token's id.</summary>
    public static int Id(JsonElement value, string place) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int id) ? id : throw RequestFields.WrongType(place, value, "a token's id is");
}
