using System.Text.Json;

namespace LlmServe.Constraints.Schemas;

/// <summary>A JSON value, compared as schemas compare: numbers by value, objects without regard to order.</summary>
internal sealed class JsonValue : IEquatable<JsonValue>
{
    private JsonValue(JsonTypes type)
    {
        Type = type;
    }

    /// <summary>Its one type.</summary>
    public JsonTypes Type { get; }

    /// <summary>A boolean's value.</summary>
    public bool Boolean { get; private init; }

    /// <summary>A number's value.</summary>
    public ExactDecimal Number { get; private init; }

    /// <summary>A string's value.</summary>
    public string Text { get; private init; } = "";

    /// <summary>An array's items.</summary>
    public IReadOnlyList<JsonValue> Items { get; private init; } = [];

    /// <summary>An object's properties, in order.</summary>
    public IReadOnlyList<(string Name, JsonValue Value)> Properties { get; private init; } = [];

    /// <summary>Reads a value.</summary>
    /// <param name="element">The value.</param>
    /// <param name="pointer">Where it stands, for errors.</param>
    /// <exception cref="ConstraintException">It holds half of a surrogate pair, a number beyond all reason, or a name twice.</exception>
    public static JsonValue Read(JsonElement element, string pointer)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var properties = element.EnumerateObject().Select(p => (JsonText.NameOf(p, pointer), Read(p.Value, pointer))).ToList();
                return properties.DistinctBy(p => p.Item1).Count() == properties.Count
                    ? new JsonValue(JsonTypes.Object) { Properties = properties } : throw new ConstraintException(pointer, "an object has a name twice");
            case JsonValueKind.Array:
                return new JsonValue(JsonTypes.Array) { Items = [.. element.EnumerateArray().Select(item => Read(item, pointer))] };
            case JsonValueKind.String:
                return new JsonValue(JsonTypes.String) { Text = JsonText.Of(element, pointer) };
            case JsonValueKind.Number:
                var number = JsonText.NumberOf(element, pointer);
                return new JsonValue(number.IsInteger ? JsonTypes.Integer : JsonTypes.Fraction) { Number = number };
            case JsonValueKind.True or JsonValueKind.False:
                return new JsonValue(JsonTypes.Boolean) { Boolean = element.GetBoolean() };
            default:
                return new JsonValue(JsonTypes.Null);
        }
    }

    /// <summary>A string.</summary>
    public static JsonValue Of(string text) => new(JsonTypes.String) { Text = text };

    /// <inheritdoc/>
    public bool Equals(JsonValue? other)
    {
        if (other is null || other.Type != Type)
        {
            return false;
        }

        return Type switch
        {
            JsonTypes.Boolean => Boolean == other.Boolean,
            JsonTypes.Integer or JsonTypes.Fraction => Number == other.Number,
            JsonTypes.String => Text == other.Text,
            JsonTypes.Array => Items.SequenceEqual(other.Items),
            JsonTypes.Object => Properties.Count == other.Properties.Count && Properties.All(p => p.Value.Equals(other.Find(p.Name))),
            _ => true,
        };
    }

    /// <summary>A property's value, or null.</summary>
    public JsonValue? Find(string name)
    {
        foreach (var property in Properties)
        {
            if (property.Name == name)
            {
                return property.Value;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as JsonValue);

    /// <inheritdoc/>
    public override int GetHashCode() => Type switch
    {
        JsonTypes.Boolean => Boolean ? 1 : 2,
        JsonTypes.Integer or JsonTypes.Fraction => Number.GetHashCode(),
        JsonTypes.String => Text.GetHashCode(StringComparison.Ordinal),
        _ => HashCode.Combine(Type, Items.Count, Properties.Count),
    };
}
