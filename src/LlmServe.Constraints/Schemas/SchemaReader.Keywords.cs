using System.Text.Json;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>The single keywords.</summary>
internal sealed partial class SchemaReader
{
    private static ConstraintException Wrong(SchemaPlace at, string wanted) => new(at.Pointer, $"it must be {wanted}, not {JsonTypeNames.Describe(at.Element)}");

    private static string Text(SchemaPlace at) => at.Element.ValueKind == JsonValueKind.String ? JsonText.Of(at.Element, at.Pointer) : throw Wrong(at, "a string");

    private static ExactDecimal Number(SchemaPlace at) =>
        at.Element.ValueKind == JsonValueKind.Number ? JsonText.NumberOf(at.Element, at.Pointer) : throw Wrong(at, "a number");

    private static ExactDecimal NumberAboveZero(SchemaPlace at)
    {
        var number = Number(at);
        return number > ExactDecimal.Of(0) ? number : throw new ConstraintException(at.Pointer, "it must be above zero");
    }

    private static int Count(SchemaPlace at)
    {
        var number = Number(at);
        return number.IsInteger && !number.IsNegative
            ? (int)System.Numerics.BigInteger.Min(number.Unscaled, int.MaxValue)
            : throw new ConstraintException(at.Pointer, $"it must be a whole number from 0 on, not {number}");
    }

    private static string[] Names(SchemaPlace at)
    {
        if (at.Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong(at, "a list of names");
        }

        return [.. at.Element.EnumerateArray().Select((name, i) => Text(at with { Element = name, Pointer = $"{at.Pointer}/{i}" })).Distinct()];
    }

    private static void ReadType(Schema schema, SchemaPlace at)
    {
        bool isList = at.Element.ValueKind == JsonValueKind.Array;
        var types = JsonTypes.None;
        foreach (string name in isList ? Names(at) : [Text(at)])
        {
            var type = JsonTypeNames.Find(name);
            types |= type != JsonTypes.None
                ? type : throw new ConstraintException(at.Pointer, $"'{name}' is no type; null, boolean, integer, number, string, array and object are");
        }

        schema.Types &= types != JsonTypes.None ? types : throw new ConstraintException(at.Pointer, "the list of types is empty");
    }

    private static void ReadEnum(Schema schema, SchemaPlace at)
    {
        if (at.Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong(at, "a list of values");
        }

        LimitValues(schema, [.. at.Element.EnumerateArray().Select((value, i) => JsonValue.Read(value, $"{at.Pointer}/{i}")).Distinct()]);
    }

    private static void LimitValues(Schema schema, List<JsonValue> values) =>
        schema.Values = schema.Values is { } others ? [.. values.Where(others.Contains)] : values;

    private bool RequireBoolean(SchemaPlace at) =>
        at.Element.ValueKind is JsonValueKind.True or JsonValueKind.False ? at.Element.GetBoolean() : throw Wrong(at, "a boolean");

    private Language Pattern(string pattern, string pointer)
    {
        if (!_patterns.TryGetValue(pattern, out var language))
        {
            var node = RegexParser.Parse(pattern, pointer, deepest: _meter.Limits.MaxDepth);
            language = RegexCompiler.Compile(node, pointer, search: true, _meter);
            _patterns.Add(pattern, language);
        }

        return language;
    }

    private void ReadFormat(Schema schema, SchemaPlace at)
    {
        if (TextFormats.Find(Text(at)) is { } language)
        {
            schema.Texts.Add(language);
        }
    }

    private void ReadProperties(Schema schema, SchemaPlace at)
    {
        foreach (var (name, place) in Entries(at))
        {
            schema.Properties.RemoveAll(property => property.Name == name);
            schema.Properties.Add((name, Read(place)));
        }

        if (schema.Properties.Count > 0)
        {
            schema.Parts.Add(new SchemaPart.OwnProperties());
        }
    }

    private void ReadPatternProperties(Schema schema, SchemaPlace at)
    {
        foreach (var (pattern, place) in Entries(at))
        {
            schema.PatternProperties.Add((Pattern(pattern, place.Pointer), Read(place)));
        }
    }

    private static List<(string Name, SchemaPlace Place)> Entries(SchemaPlace at)
    {
        if (at.Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong(at, "an object");
        }

        return [.. at.Element.EnumerateObject().Select(entry =>
        {
            string name = JsonText.NameOf(entry, at.Pointer);
            return (name, at with { Element = entry.Value, Pointer = JsonText.Step(at.Pointer, name) });
        })];
    }

    private List<Schema> ReadList(SchemaPlace at)
    {
        if (at.Element.ValueKind != JsonValueKind.Array || at.Element.GetArrayLength() == 0)
        {
            throw Wrong(at, "a list of at least one schema");
        }

        return [.. at.Element.EnumerateArray().Select((schema, i) => Read(at with { Element = schema, Pointer = $"{at.Pointer}/{i}" }))];
    }

    private Schema ReadItems(SchemaPlace at) => at.Element.ValueKind != JsonValueKind.Array
        ? Read(at) : throw new ConstraintException(at.Pointer, "a list of schemas for the first items is called prefixItems in draft 2020-12");

    private void ReadConditional(Schema schema, SchemaPlace at)
    {
        Schema Part(string name) => at.Element.TryGetProperty(name, out var element)
            ? Read(at with { Element = element, Pointer = JsonText.Step(at.Pointer, name) }) : new Schema { Pointer = JsonText.Step(at.Pointer, name) };
        schema.Parts.Add(new SchemaPart.Conditional(Part("if"), Part("then"), Part("else"), JsonText.Step(at.Pointer, "if")));
    }

    private void ReadDynamicReference(Schema schema, SchemaPlace at)
    {
        if (_document.IsOneResource)
        {
            schema.Parts.Add(new SchemaPart.Reference(Text(at), at.Base, at.Pointer));
        }
        else
        {
            Refuse(at.Pointer, "$dynamicRef cannot be honoured where schemas with an $id of their own are nested");
        }
    }

    /// <summary>A property that, where it is there, asks for others or for a schema: either it is not there, or it is and that holds.</summary>
    private void ReadDependencies(Schema schema, SchemaPlace at)
    {
        foreach (var (name, place) in Entries(at))
        {
            var absent = new Schema { Pointer = place.Pointer, IsSilent = true };
            absent.Properties.Add((name, new Schema { Pointer = place.Pointer, IsFalse = true }));
            var present = new Schema { Pointer = place.Pointer };
            present.Required.Add(name);
            if (place.Element.ValueKind == JsonValueKind.Array)
            {
                present.Required.AddRange(Names(place));
            }
            else
            {
                present.Parts.Add(new SchemaPart.All([Read(place)]));
            }

            schema.Parts.Add(new SchemaPart.Any([absent, present]));
        }
    }
}
