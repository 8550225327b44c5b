namespace LlmServe.Constraints.Schemas;

/// <summary>
/// One way to satisfy some schemas: schemas of which the own keywords must all hold, all that they refer to included. Whatever could be one or the other
/// has been decided.
/// </summary>
internal sealed class SchemaAlternative
{
    /// <summary>The schemas.</summary>
    public List<Schema> Members { get; } = [];

    /// <summary>Those that count as having looked at properties and items (<c>unevaluated…</c>): not what stands under <c>not</c>.</summary>
    public List<Schema> Evaluating { get; } = [];

    /// <summary>Names of properties in the order in which they are written.</summary>
    public List<string> PropertyOrder { get; } = [];

    /// <summary>Types that all members allow.</summary>
    public JsonTypes Types => Members.Aggregate(JsonTypes.All, (types, member) => types & member.Types);

    /// <summary>Both of two.</summary>
    public SchemaAlternative And(SchemaAlternative other)
    {
        var both = new SchemaAlternative();
        foreach (var part in new[] { this, other })
        {
            foreach (var member in part.Members)
            {
                both.Add(member);
            }

            both.Evaluating.AddRange(part.Evaluating.Except(both.Evaluating));
            both.Order(part.PropertyOrder);
        }

        return both;
    }

    /// <summary>The same without having looked at anything.</summary>
    public SchemaAlternative Silent()
    {
        var silent = new SchemaAlternative();
        silent.Members.AddRange(Members);
        silent.PropertyOrder.AddRange(PropertyOrder);
        return silent;
    }

    /// <summary>Adds a schema.</summary>
    public void Add(Schema member)
    {
        if (!Members.Contains(member))
        {
            Members.Add(member);
        }
    }

    /// <summary>Adds names that are written behind those that are there.</summary>
    public void Order(IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            if (!PropertyOrder.Contains(name))
            {
                PropertyOrder.Add(name);
            }
        }
    }
}
