namespace LlmServe.Constraints.Schemas;

/// <summary>Says whether values satisfy schemas; used for values that a schema lists.</summary>
/// <param name="expander">Resolves schemas into alternatives.</param>
internal sealed class SchemaCheck(SchemaExpander expander)
{
    /// <summary>Whether a value satisfies a schema.</summary>
    public bool Allows(Schema schema, JsonValue value) => schema.IsTrue || expander.TryExpand([schema]) is not { } ways || ways.Exists(way => Allows(way, value));

    /// <summary>Whether a value satisfies an alternative.</summary>
    public bool Allows(SchemaAlternative way, JsonValue value) => way.Members.TrueForAll(member => AllowsOwn(member, value));

    private bool AllowsOwn(Schema schema, JsonValue value)
    {
        if ((schema.Types & value.Type) == 0 || schema.Values?.Contains(value) == false || schema.NotValues.Contains(value))
        {
            return false;
        }

        return value.Type switch
        {
            JsonTypes.Integer or JsonTypes.Fraction => schema.Numbers.Contains(value.Number),
            JsonTypes.String => AllowsText(schema, value.Text),
            JsonTypes.Array => AllowsArray(schema, value.Items),
            JsonTypes.Object => AllowsObject(schema, value),
            _ => true,
        };
    }

    private static bool AllowsText(Schema schema, string text)
    {
        int length = text.EnumerateRunes().Count();
        return length >= schema.MinLength && (schema.MaxLength is not { } most || length <= most)
            && schema.Texts.TrueForAll(language => language.Contains(text)) && !schema.NotTexts.Exists(language => language.Contains(text));
    }

    private bool AllowsArray(Schema schema, IReadOnlyList<JsonValue> items)
    {
        if (items.Count < schema.MinItems || items.Count > (schema.MaxItems ?? int.MaxValue) || (schema.UniqueItems && items.Distinct().Count() < items.Count))
        {
            return false;
        }

        for (int i = 0; i < items.Count; i++)
        {
            var wanted = i < schema.PrefixItems.Count ? schema.PrefixItems[i] : schema.Items;
            if (wanted is not null && !Allows(wanted, items[i]))
            {
                return false;
            }
        }

        int contained = schema.Contains is { } contains ? items.Count(item => Allows(contains, item)) : 0;
        return schema.Contains is null || (contained >= schema.MinContains && contained <= (schema.MaxContains ?? int.MaxValue));
    }

    private bool AllowsObject(Schema schema, JsonValue value)
    {
        int count = value.Properties.Count;
        if (count < schema.MinProperties || count > (schema.MaxProperties ?? int.MaxValue) || schema.Required.Exists(name => value.Find(name) is null))
        {
            return false;
        }

        foreach (var (name, property) in value.Properties)
        {
            if ((schema.PropertyNames is { } names && !Allows(names, JsonValue.Of(name)))
                || !PropertySchemas.Of(schema, name).TrueForAll(wanted => Allows(wanted, property)))
            {
                return false;
            }
        }

        return true;
    }
}
