using System.Text;
using System.Text.Json;

namespace LlmServe.Serving;

/// <summary>Reads the JSON texts of a request within limits.</summary>
public static class JsonText
{
    /// <summary>Room for hundreds of tool descriptions.</summary>
    private const int MaxBytes = 256 << 10;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>Parses a request's JSON text.</summary>
    /// <exception cref="RequestException">It is no JSON, too long, too deep, or has a key twice.</exception>
    public static JsonElement Parse(string json, string field)
    {
        int bytes = Encoding.UTF8.GetByteCount(json);
        if (bytes > MaxBytes)
        {
            throw Failure.Invalid(field, $"has {bytes} bytes; allowed are {MaxBytes}").ToException();
        }

        try
        {
            return JsonElement.Parse(json, Options);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second kind is half a character, such as \ud800 alone, in a key of an object that is searched for equal keys.
            throw Failure.Invalid(field, $"is no valid JSON text: {exception.Message}").ToException();
        }
    }

    /// <summary>The properties of a request's JSON object; none if the text is empty.</summary>
    /// <exception cref="RequestException">As <see cref="Parse"/> says, or it is no object.</exception>
    public static List<KeyValuePair<string, JsonElement>> Object(string json, string field)
    {
        var properties = new List<KeyValuePair<string, JsonElement>>();
        if (json.Length == 0)
        {
            return properties;
        }

        var element = Parse(json, field);
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Failure.Invalid(field, $"is a JSON {NameOf(element.ValueKind)}; an object is needed").ToException();
        }

        try
        {
            foreach (var property in element.EnumerateObject())
            {
                properties.Add(new(property.Name, property.Value));
            }

            return properties;
        }
        catch (InvalidOperationException)
        {
            // The reader leaves it to whoever asks for the text to find half a character, such as \ud800 alone.
            throw Failure.Invalid(field, "has a key that is not Unicode text: half of a surrogate pair").ToException();
        }
    }

    /// <summary>What people call a kind of value.</summary>
    public static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
