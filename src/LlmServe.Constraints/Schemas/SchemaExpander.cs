using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Schemas;

/// <summary>Follows references and resolves <c>allOf</c>, <c>anyOf</c>, <c>oneOf</c>, <c>not</c> and <c>if</c> into alternatives.</summary>
/// <param name="reader">Finds what references name.</param>
/// <param name="meter">Counts the work.</param>
internal sealed class SchemaExpander(SchemaReader reader, WorkMeter meter)
{
    private const int MostAlternatives = 2_000;

    private readonly Dictionary<Schema, List<SchemaAlternative>> _known = [];
    private readonly HashSet<Schema> _path = [];
    private SchemaEmptiness? _emptiness;
    private int _lookingAhead;

    /// <summary>Looking ahead came to a schema that is being resolved.</summary>
    private sealed class UndecidedException : Exception;

    private SchemaEmptiness Emptiness => _emptiness ??= new SchemaEmptiness(this, meter);

    /// <summary>The ways to satisfy all of some schemas.</summary>
    public List<SchemaAlternative> Expand(IReadOnlyList<Schema> schemas)
    {
        var all = new List<SchemaAlternative> { new() };
        foreach (var schema in schemas)
        {
            all = Cross(all, Expand(schema), schema.Pointer);
        }

        return all;
    }

    /// <summary>The ways to satisfy all of some schemas; null where that is being found out just now.</summary>
    public List<SchemaAlternative>? TryExpand(IReadOnlyList<Schema> schemas)
    {
        _lookingAhead++;
        try
        {
            return Expand(schemas);
        }
        catch (UndecidedException)
        {
            return null;
        }
        finally
        {
            _lookingAhead--;
        }
    }

    private List<SchemaAlternative> Expand(Schema schema)
    {
        if (_known.TryGetValue(schema, out var known))
        {
            return known;
        }

        if (!_path.Add(schema))
        {
            throw _lookingAhead > 0 ? new UndecidedException() : new ConstraintException(schema.Pointer, "it refers to itself before it says anything, so no value can be checked against it");
        }

        try
        {
            var ways = schema.IsFalse ? [] : ExpandParts(schema);
            _known.Add(schema, ways);
            return ways;
        }
        finally
        {
            _path.Remove(schema);
        }
    }

    private List<SchemaAlternative> ExpandParts(Schema schema)
    {
        meter.Add(schema.Parts.Count + 1);
        var ways = new List<SchemaAlternative> { new() };
        foreach (var part in schema.Parts)
        {
            switch (part)
            {
                case SchemaPart.OwnProperties:
                    ways.ForEach(way => way.Order(schema.Properties.Select(property => property.Name)));
                    break;
                case SchemaPart.All all:
                    ways = Cross(ways, Expand(all.Schemas), schema.Pointer);
                    break;
                case SchemaPart.Any any:
                    ways = Cross(ways, [.. any.Schemas.SelectMany(Expand)], schema.Pointer);
                    break;
                case SchemaPart.One one:
                    ways = Cross(ways, ExactlyOne(schema, one), schema.Pointer);
                    break;
                case SchemaPart.Reference reference:
                    ways = Cross(ways, Expand(reader.Resolve(reference)), schema.Pointer);
                    break;
                case SchemaPart.Not not:
                    ways = Negate(not.Schema, not.Pointer) is { } negative ? Cross(ways, Silent(negative), schema.Pointer) : ways;
                    break;
                case SchemaPart.Conditional conditional:
                    ways = Cross(ways, Decide(conditional), schema.Pointer);
                    break;
            }
        }

        foreach (var way in ways)
        {
            way.Order(schema.Properties.Select(property => property.Name));
            AddUnevaluated(schema, way);
            way.Add(schema);
            if (!schema.IsSilent && !way.Evaluating.Contains(schema))
            {
                way.Evaluating.Add(schema);
            }
        }

        return ways;
    }

    private List<SchemaAlternative> Silent(Schema schema) => [.. Expand(schema).Select(way => way.Silent())];

    private List<SchemaAlternative> Decide(SchemaPart.Conditional conditional)
    {
        var ways = Expand([conditional.If, conditional.Then]);
        if (Negate(conditional.If, conditional.Pointer) is { } otherwise)
        {
            return [.. ways, .. Cross(Silent(otherwise), Expand(conditional.Else), conditional.Pointer)];
        }

        return [new SchemaAlternative()];
    }

    /// <summary>Each branch without the others, as far as the others are not out of the question anyway.</summary>
    private List<SchemaAlternative> ExactlyOne(Schema schema, SchemaPart.One one)
    {
        var ways = new List<SchemaAlternative>();
        for (int i = 0; i < one.Schemas.Count; i++)
        {
            var branch = Expand(one.Schemas[i]);
            for (int j = 0; j < one.Schemas.Count; j++)
            {
                if (j != i && !Emptiness.AreDisjoint(one.Schemas[i], one.Schemas[j], schema)
                    && Negate(one.Schemas[j], one.Pointer, "branches of oneOf overlap, and ") is { } negative)
                {
                    branch = Cross(branch, Silent(negative), one.Pointer);
                }
            }

            ways.AddRange(branch);
        }

        return ways;
    }

    /// <summary>The schema that allows just what another does not; null where that cannot be said and may be left out.</summary>
    /// <param name="schema">The other.</param>
    /// <param name="pointer">The keyword that asks for it.</param>
    /// <param name="why">The beginning of the error's message.</param>
    /// <exception cref="ConstraintException">It cannot be said.</exception>
    public Schema? Negate(Schema schema, string pointer, string why = "")
    {
        var negative = new SchemaNegation(reader, meter.Limits.MaxDepth).Negate(schema, out string? obstacle);
        if (negative is null)
        {
            reader.Refuse(pointer, $"{why}the negative of {obstacle} cannot be honoured");
        }

        return negative;
    }

    /// <summary>
    /// What no member of a way has looked at is up to <c>unevaluatedProperties</c> and <c>unevaluatedItems</c>: they become the keywords for what is left
    /// over of a schema that knows what the members know.
    /// </summary>
    private void AddUnevaluated(Schema schema, SchemaAlternative way)
    {
        var members = way.Evaluating.Append(schema).ToList();
        if (schema.UnevaluatedProperties is { } properties && !members.Exists(member => member.AdditionalProperties is not null))
        {
            var rest = new Schema { Pointer = schema.Pointer, AdditionalProperties = properties };
            foreach (var member in members)
            {
                rest.Properties.AddRange(member.Properties.Select(p => (p.Name, new Schema { Pointer = schema.Pointer })));
                rest.PatternProperties.AddRange(member.PatternProperties.Select(p => (p.Names, new Schema { Pointer = schema.Pointer })));
            }

            way.Add(rest);
            way.Evaluating.Add(rest);
        }

        if (schema.UnevaluatedItems is { } items && !members.Exists(member => member.Items is not null))
        {
            if (members.Exists(member => member.Contains is not null))
            {
                reader.Refuse(JsonText.Step(schema.Pointer, "unevaluatedItems"), "unevaluatedItems beside contains cannot be honoured");
                return;
            }

            var rest = new Schema { Pointer = schema.Pointer, Items = items };
            int known = members.Max(member => member.PrefixItems.Count);
            rest.PrefixItems.AddRange(Enumerable.Range(0, known).Select(_ => new Schema { Pointer = schema.Pointer }));
            way.Add(rest);
            way.Evaluating.Add(rest);
        }
    }

    private List<SchemaAlternative> Cross(List<SchemaAlternative> left, List<SchemaAlternative> right, string pointer)
    {
        if ((long)left.Count * right.Count > MostAlternatives)
        {
            throw new ConstraintException(pointer, $"its anyOf, oneOf and conditions combine to more than {MostAlternatives} alternatives");
        }

        var both = new List<SchemaAlternative>(left.Count * right.Count);
        foreach (var way in left)
        {
            foreach (var other in right)
            {
                meter.Add(way.Members.Count + other.Members.Count + 1);
                var joined = way.And(other);
                if (joined.Types != JsonTypes.None)
                {
                    both.Add(joined);
                }
            }
        }

        return both;
    }
}
