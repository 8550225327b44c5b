using System.Text.Json;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>
/// Reads schemas of draft 2020-12 (and <c>definitions</c>, <c>dependencies</c>, <c>nullable</c> as older dialects have them). A keyword of the wrong
/// type is an error, one that cannot be honoured too, and one that is not known is an annotation.
/// </summary>
internal sealed partial class SchemaReader
{
    private static readonly Dictionary<string, Action<SchemaReader, Schema, SchemaPlace>> Keywords = new()
    {
        ["type"] = (reader, schema, at) => ReadType(schema, at),
        ["nullable"] = (reader, schema, at) => reader.RequireBoolean(at),
        ["enum"] = (reader, schema, at) => ReadEnum(schema, at),
        ["const"] = (reader, schema, at) => LimitValues(schema, [JsonValue.Read(at.Element, at.Pointer)]),
        ["minimum"] = (reader, schema, at) => schema.Numbers = schema.Numbers.And(NumberBounds.From(Number(at), isOut: false)),
        ["exclusiveMinimum"] = (reader, schema, at) => schema.Numbers = schema.Numbers.And(NumberBounds.From(Number(at), isOut: true)),
        ["maximum"] = (reader, schema, at) => schema.Numbers = schema.Numbers.And(NumberBounds.UpTo(Number(at), isOut: false)),
        ["exclusiveMaximum"] = (reader, schema, at) => schema.Numbers = schema.Numbers.And(NumberBounds.UpTo(Number(at), isOut: true)),
        ["multipleOf"] = (reader, schema, at) => schema.Numbers = schema.Numbers.And(NumberBounds.MultiplesOf(NumberAboveZero(at))),
        ["minLength"] = (reader, schema, at) => schema.MinLength = Count(at),
        ["maxLength"] = (reader, schema, at) => schema.MaxLength = Count(at),
        ["pattern"] = (reader, schema, at) => schema.Texts.Add(reader.Pattern(Text(at), at.Pointer)),
        ["format"] = (reader, schema, at) => reader.ReadFormat(schema, at),
        ["properties"] = (reader, schema, at) => reader.ReadProperties(schema, at),
        ["patternProperties"] = (reader, schema, at) => reader.ReadPatternProperties(schema, at),
        ["additionalProperties"] = (reader, schema, at) => schema.AdditionalProperties = reader.Read(at),
        ["propertyNames"] = (reader, schema, at) => schema.PropertyNames = reader.Read(at),
        ["required"] = (reader, schema, at) => schema.Required.AddRange(Names(at)),
        ["minProperties"] = (reader, schema, at) => schema.MinProperties = Count(at),
        ["maxProperties"] = (reader, schema, at) => schema.MaxProperties = Count(at),
        ["prefixItems"] = (reader, schema, at) => schema.PrefixItems.AddRange(reader.ReadList(at)),
        ["items"] = (reader, schema, at) => schema.Items = reader.ReadItems(at),
        ["minItems"] = (reader, schema, at) => schema.MinItems = Count(at),
        ["maxItems"] = (reader, schema, at) => schema.MaxItems = Count(at),
        ["uniqueItems"] = (reader, schema, at) => schema.UniqueItems = reader.RequireBoolean(at),
        ["contains"] = (reader, schema, at) => schema.Contains = reader.Read(at),
        ["minContains"] = (reader, schema, at) => schema.MinContains = Count(at),
        ["maxContains"] = (reader, schema, at) => schema.MaxContains = Count(at),
        ["unevaluatedProperties"] = (reader, schema, at) => schema.UnevaluatedProperties = reader.Read(at),
        ["unevaluatedItems"] = (reader, schema, at) => schema.UnevaluatedItems = reader.Read(at),
        ["allOf"] = (reader, schema, at) => schema.Parts.Add(new SchemaPart.All(reader.ReadList(at))),
        ["anyOf"] = (reader, schema, at) => schema.Parts.Add(new SchemaPart.Any(reader.ReadList(at))),
        ["oneOf"] = (reader, schema, at) => schema.Parts.Add(new SchemaPart.One(reader.ReadList(at), at.Pointer)),
        ["not"] = (reader, schema, at) => schema.Parts.Add(new SchemaPart.Not(reader.Read(at), at.Pointer)),
        ["$ref"] = (reader, schema, at) => schema.Parts.Add(new SchemaPart.Reference(Text(at), at.Base, at.Pointer)),
        ["$dynamicRef"] = (reader, schema, at) => reader.ReadDynamicReference(schema, at),
        ["$recursiveRef"] = (reader, schema, at) => reader.Refuse(at.Pointer, "$recursiveRef of draft 2019-09 cannot be honoured; write $ref"),
        ["dependentRequired"] = (reader, schema, at) => reader.ReadDependencies(schema, at),
        ["dependentSchemas"] = (reader, schema, at) => reader.ReadDependencies(schema, at),
        ["dependencies"] = (reader, schema, at) => reader.ReadDependencies(schema, at),
    };

    private readonly SchemaDocument _document;
    private readonly WorkMeter _meter;
    private readonly bool _relax;
    private readonly Dictionary<string, Schema> _known = [];
    private readonly Dictionary<string, Language> _patterns = [];
    private int _depth;

    /// <param name="document">The document.</param>
    /// <param name="relax">Whether what cannot be honoured is left out and noted, instead of refused.</param>
    /// <param name="meter">Counts the work.</param>
    public SchemaReader(SchemaDocument document, bool relax, WorkMeter meter)
    {
        (_document, _relax, _meter) = (document, relax, meter);
    }

    /// <summary>Pointers of keywords that were left out.</summary>
    public List<string> Relaxed { get; } = [];

    /// <summary>The whole schema.</summary>
    public Schema ReadRoot() => Read(_document.Root);

    /// <summary>The schema that a reference names.</summary>
    public Schema Resolve(SchemaPart.Reference reference)
    {
        var place = _document.Resolve(reference.Target, reference.Base, reference.Pointer);
        return place.Element.ValueKind is JsonValueKind.Object or JsonValueKind.True or JsonValueKind.False
            ? Read(place) : throw new ConstraintException(reference.Pointer, $"'{reference.Target}' refers to {JsonTypeNames.Describe(place.Element)}, which is no schema");
    }

    /// <summary>Refuses a keyword, or notes that it is left out.</summary>
    public void Refuse(string pointer, string message)
    {
        if (!_relax)
        {
            throw new ConstraintException(pointer, message);
        }

        if (!Relaxed.Contains(pointer))
        {
            Relaxed.Add(pointer);
        }
    }

    private Schema Read(SchemaPlace place)
    {
        if (_known.TryGetValue(place.Pointer, out var known))
        {
            return known;
        }

        if (++_depth > _meter.Limits.MaxDepth)
        {
            throw new ConstraintException(place.Pointer, $"schemas are nested more than {_meter.Limits.MaxDepth} deep");
        }

        _meter.Add(1);
        var schema = place.Element.ValueKind switch
        {
            JsonValueKind.True => new Schema { Pointer = place.Pointer },
            JsonValueKind.False => new Schema { Pointer = place.Pointer, IsFalse = true },
            JsonValueKind.Object => ReadKeywords(place),
            _ => throw new ConstraintException(place.Pointer, $"a schema must be an object or a boolean, not {JsonTypeNames.Describe(place.Element)}"),
        };
        _known[place.Pointer] = schema;
        _depth--;
        return schema;
    }

    private Schema ReadKeywords(SchemaPlace place)
    {
        var schema = new Schema { Pointer = place.Pointer };
        var element = place.Element;
        var here = place with { Base = SchemaDocument.BaseAt(place) };
        foreach (var keyword in element.EnumerateObject())
        {
            string name = JsonText.NameOf(keyword, place.Pointer);
            _meter.Add(1);
            if (name == "if")
            {
                ReadConditional(schema, here);
            }
            else if (Keywords.TryGetValue(name, out var read))
            {
                read(this, schema, here with { Element = keyword.Value, Pointer = JsonText.Step(place.Pointer, name) });
            }
        }

        if (schema.Types != JsonTypes.All && element.TryGetProperty("nullable", out var nullable) && nullable.ValueKind == JsonValueKind.True)
        {
            schema.Types |= JsonTypes.Null; // OpenAPI 3.0
        }

        if (schema.UniqueItems && schema.MaxItems is not (0 or 1))
        {
            Refuse(JsonText.Step(place.Pointer, "uniqueItems"), "uniqueItems cannot be honoured; leave it out, or list the allowed arrays in enum");
            schema.UniqueItems = false;
        }

        return schema;
    }
}
