using System.Text.Json;
using LlmServe.Serving;

namespace LlmServe.Http;

/// <summary>The fields of a request's JSON object, each read with its type and range; null is the same as left out. What is wrong is named by its path.</summary>
/// <param name="json">The object.</param>
/// <param name="path">Its path in the request, with a dot behind; empty for the request itself.</param>
internal sealed class RequestFields(JsonElement json, string path = "")
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    /// <summary>The object.</summary>
    public JsonElement Json => json;

    /// <summary>The path of a field.</summary>
    public string PathOf(string name) => path + name;

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string name) => Any(name) is not null;

    /// <summary>A field of any type; null: it is left out.</summary>
    public JsonElement? Any(string name)
    {
        _known.Add(name);
        return json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>A text.</summary>
    public string? Text(string name) => Any(name) is not { } value ? null : TextOf(value, PathOf(name));

    /// <summary>A text that must be there.</summary>
    public string RequiredText(string name) => Text(name) ?? throw Missing(name);

    /// <summary>A boolean.</summary>
    public bool? Flag(string name) => Any(name) is not { } value ? null : value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong(name, value, "true or false is"),
    };

    /// <summary>A number in a range, both ends allowed.</summary>
    public double? Number(string name, double least = double.MinValue, double most = double.MaxValue)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            throw Wrong(name, value, "a number is");
        }

        double number = value.GetDouble();
        return number >= least && number <= most ? number : throw OutOfRange(name, value, least, most);
    }

    /// <summary>A whole number in a range, both ends allowed.</summary>
    public long? Integer(string name, long least = long.MinValue, long most = long.MaxValue)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            throw Wrong(name, value, "a whole number is");
        }

        // 1.0 is whole too: some clients write every number so.
        if (!value.TryGetInt64(out long number) && (value.GetDouble() is var real && (real != Math.Floor(real) || Math.Abs(real) > 1L << 53 || (number = (long)real) != real)))
        {
            throw Failure.Invalid(PathOf(name), $"is {Failure.Shorten(value.GetRawText())}; a whole number is needed").ToException();
        }

        return number >= least && number <= most ? number : throw OutOfRange(name, value, least, most);
    }

    /// <summary>A whole number of 32 bits in a range.</summary>
    public int? Int32(string name, int least = int.MinValue, int most = int.MaxValue) => (int?)Integer(name, least, most);

    /// <summary>An array's items; null: it is left out.</summary>
    public IReadOnlyList<JsonElement>? Array(string name) => Any(name) is not { } value
        ? null : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : throw Wrong(name, value, "an array is");

    /// <summary>An object's fields; null: it is left out.</summary>
    public RequestFields? Object(string name) => Any(name) is not { } value
        ? null : value.ValueKind == JsonValueKind.Object ? new RequestFields(value, PathOf(name) + ".") : throw Wrong(name, value, "an object is");

    /// <summary>A text or an array of texts; empty: it is left out.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        if (Any(name) is not { } value)
        {
            return [];
        }

        return value.ValueKind == JsonValueKind.String ? [TextOf(value, PathOf(name))]
            : value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select((item, i) => TextOf(item, $"{PathOf(name)}[{i}]"))]
            : throw Wrong(name, value, "a text or an array of texts is");
    }

    /// <summary>Refuses fields that would change the answer and are not supported.</summary>
    /// <param name="names">Their names.</param>
    /// <exception cref="RequestException">One is there.</exception>
    public void Refuse(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (Has(name))
            {
                throw new Failure(FailureKind.Invalid, "is not supported by this server", PathOf(name)) { Code = "unsupported_parameter" }.ToException();
            }
        }
    }

    /// <summary>Passes over fields that change nothing here.</summary>
    public void Ignore(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            _known.Add(name);
        }
    }

    /// <summary>Refuses fields that nobody has asked for or passed over.</summary>
    /// <exception cref="RequestException">One is there.</exception>
    public void RefuseUnknown()
    {
        foreach (var property in json.EnumerateObject())
        {
            if (!_known.Contains(property.Name))
            {
                throw new Failure(
                    FailureKind.Invalid, "is unknown here; this server refuses what it does not know", PathOf(Failure.Shorten(property.Name))) { Code = "unknown_parameter" }.ToException();
            }
        }
    }

    /// <summary>A field that must be there is not.</summary>
    public RequestException Missing(string name) =>
        new Failure(FailureKind.Invalid, "is missing", PathOf(name)) { Code = "missing_required_parameter" }.ToException();

    /// <summary>A field has the wrong type.</summary>
    public RequestException Wrong(string name, JsonElement value, string wanted) => WrongType(PathOf(name), value, wanted);

    /// <summary>A value has the wrong type.</summary>
    public static RequestException WrongType(string place, JsonElement value, string wanted) =>
        new Failure(FailureKind.Invalid, $"is a JSON {JsonText.NameOf(value.ValueKind)}; {wanted} needed", place) { Code = "invalid_type" }.ToException();

    /// <summary>The text of a value.</summary>
    public static string TextOf(JsonElement value, string place)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw WrongType(place, value, "a text is");
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, such as \ud800 alone.
            throw Failure.Invalid(place, "is not Unicode text: it has half of a surrogate pair").ToException();
        }
    }

    private RequestException OutOfRange(string name, JsonElement value, double least, double most)
    {
        string allowed = most is double.MaxValue or long.MaxValue or int.MaxValue ? $"{least} or more" : $"{least} … {most}";
        return Failure.Invalid(PathOf(name), $"is {Failure.Shorten(value.GetRawText())}; allowed is {allowed}").ToException();
    }
}
