using System.Text.Json;

namespace LlmServe.Conversation;

/// <summary>Reads values of a request's JSON, each with its path for errors.</summary>
internal static class RequestJson
{
    private const int ShownCharacters = 60;

    /// <exception cref="ConversationException">The value is of another kind.</exception>
    public static void Expect(JsonElement value, JsonValueKind kind, string path)
    {
        if (value.ValueKind != kind)
        {
            throw new ConversationException(path, $"is a JSON {NameOf(value.ValueKind)}; an {NameOf(kind)} is needed");
        }
    }

    /// <summary>Checks that a key <c>type</c>, if it is there, has the one value that is taken.</summary>
    /// <exception cref="ConversationException">It has another.</exception>
    public static void ExpectType(JsonElement value, string type, string path)
    {
        if (Optional(value, "type", path) is { } found && found != type)
        {
            throw new ConversationException($"{path}.type", $"is '{Shorten(found)}'; allowed is {type}");
        }
    }

    /// <summary>The members of an object.</summary>
    /// <exception cref="ConversationException">It is none, or a key is no text.</exception>
    public static List<KeyValuePair<string, JsonElement>> Members(JsonElement value, string path)
    {
        Expect(value, JsonValueKind.Object, path);
        try
        {
            return [.. value.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, member.Value))];
        }
        catch (InvalidOperationException error)
        {
            throw new ConversationException(path, "has a key that is not Unicode text: half of a surrogate pair", error);
        }
    }

    /// <summary>A string.</summary>
    /// <exception cref="ConversationException">It is none.</exception>
    public static string Text(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw new ConversationException(path, $"is a JSON {NameOf(value.ValueKind)}; a string is needed");
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            throw new ConversationException(path, "is not Unicode text: it has half of a surrogate pair", error);
        }
    }

    /// <summary>A string that may be absent or null.</summary>
    /// <exception cref="ConversationException">It is something else.</exception>
    public static string? Optional(JsonElement value, string key, string path) =>
        value.TryGetProperty(key, out var found) && found.ValueKind != JsonValueKind.Null ? Text(found, $"{path}.{key}") : null;

    /// <summary>A string that must be there.</summary>
    /// <exception cref="ConversationException">It is absent or something else.</exception>
    public static string Required(JsonElement value, string key, string path) =>
        Optional(value, key, path) ?? throw new ConversationException($"{path}.{key}", "is missing; a string is needed");

    /// <summary>A boolean that is false where it is absent or null.</summary>
    /// <exception cref="ConversationException">It is something else.</exception>
    public static bool Flag(JsonElement value, string key, string path) => value.TryGetProperty(key, out var found) && found.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw new ConversationException($"{path}.{key}", $"is a JSON {NameOf(found.ValueKind)}; true or false is needed"),
    };

    /// <summary>What people call a kind of value.</summary>
    public static string NameOf(JsonValueKind kind) => kind is JsonValueKind.True or JsonValueKind.False ? "boolean" : kind.ToString().ToLowerInvariant();

    /// <summary>A text cut to what a message shows.</summary>
    public static string Shorten(string text) => text.Length <= ShownCharacters ? text : $"{text[..ShownCharacters]}…";
}
