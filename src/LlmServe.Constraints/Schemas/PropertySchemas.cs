namespace LlmServe.Constraints.Schemas;

/// <summary>Which of a schema's schemas hold for a property or an item.</summary>
internal static class PropertySchemas
{
    /// <summary>The schemas that a schema's own keywords have for a property.</summary>
    public static List<Schema> Of(Schema schema, string name)
    {
        var found = new List<Schema>();
        foreach (var property in schema.Properties)
        {
            if (property.Name == name)
            {
                found.Add(property.Schema);
            }
        }

        foreach (var (names, pattern) in schema.PatternProperties)
        {
            if (names.Contains(name))
            {
                found.Add(pattern);
            }
        }

        if (found.Count == 0 && schema.AdditionalProperties is { } rest)
        {
            found.Add(rest);
        }

        return found;
    }

    /// <summary>The schemas that an alternative has for a property.</summary>
    public static List<Schema> Of(SchemaAlternative way, string name) => [.. way.Members.SelectMany(member => Of(member, name))];

    /// <summary>The schemas that an alternative has for an item.</summary>
    public static List<Schema> Of(SchemaAlternative way, int index) =>
        [.. way.Members.Select(member => index < member.PrefixItems.Count ? member.PrefixItems[index] : member.Items).OfType<Schema>()];
}
