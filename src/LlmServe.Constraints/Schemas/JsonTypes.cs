using System.Text.Json;

namespace LlmServe.Constraints.Schemas;

/// <summary>Kinds of JSON values as schemas name them.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,

    /// <summary>Numbers that are no integers.</summary>
    Fraction = 8,
    String = 16,
    Array = 32,
    Object = 64,

    /// <summary>What schemas call <c>number</c>.</summary>
    Number = Integer | Fraction,
    All = 127,
}

/// <summary>Names of <see cref="JsonTypes"/>.</summary>
internal static class JsonTypeNames
{
    /// <summary>The types that a name stands for; <see cref="JsonTypes.None"/> if it is none.</summary>
    public static JsonTypes Find(string? name) => name switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => JsonTypes.None,
    };

    /// <summary>How errors call a JSON value.</summary>
    public static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}
