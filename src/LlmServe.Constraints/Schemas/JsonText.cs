using System.Text.Json;

namespace LlmServe.Constraints.Schemas;

/// <summary>Strings and numbers of a JSON text, with errors that say where.</summary>
internal static class JsonText
{
    /// <summary>A string's value.</summary>
    /// <exception cref="ConstraintException">It holds half of a surrogate pair.</exception>
    public static string Of(JsonElement element, string pointer) => WithoutHalves(() => element.GetString()!, pointer);

    /// <summary>A property's name.</summary>
    /// <exception cref="ConstraintException">It holds half of a surrogate pair.</exception>
    public static string NameOf(JsonProperty property, string pointer) => WithoutHalves(() => property.Name, pointer);

    /// <summary>A number's value.</summary>
    /// <exception cref="ConstraintException">It is beyond all reason.</exception>
    public static ExactDecimal NumberOf(JsonElement element, string pointer) =>
        ExactDecimal.TryParse(element.GetRawText(), out var value) ? value : throw new ConstraintException(pointer, "a number has too many digits");

    /// <summary>A pointer one step further on.</summary>
    public static string Step(string pointer, string name)
    {
        string escaped = name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
        return pointer + "/" + escaped;
    }

    private static string WithoutHalves(Func<string> read, string pointer)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException error)
        {
            throw new ConstraintException(pointer, "a string holds half of a surrogate pair, which no text can", error);
        }
    }
}
