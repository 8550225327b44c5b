namespace LlmServe.Constraints.Schemas;

/// <summary>
/// Makes the schema that allows just what another does not: a value fails a schema if it fails any of its keywords. Keywords whose failure no schema
/// without <c>not</c> can say are an obstacle.
/// </summary>
/// <param name="reader">Finds what references name.</param>
/// <param name="deepest">How deep references are followed.</param>
internal sealed class SchemaNegation(SchemaReader reader, int deepest)
{
    private string? _obstacle;
    private int _depth;

    /// <summary>Makes the negative.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="obstacle">Why there is none; null if there is one.</param>
    public Schema? Negate(Schema schema, out string? obstacle)
    {
        _obstacle = null;
        var negative = Of(schema);
        obstacle = _obstacle;
        return obstacle is null ? negative : null;
    }

    private Schema Of(Schema schema)
    {
        if (schema.IsFalse)
        {
            return New(schema);
        }

        if (++_depth > deepest)
        {
            Fail("a schema that refers to itself");
            return New(schema);
        }

        var failures = new List<Schema>();
        AddScalars(schema, failures);
        AddObjects(schema, failures);
        AddArrays(schema, failures);
        foreach (var part in schema.Parts)
        {
            AddPart(schema, part, failures);
        }

        _depth--;
        return failures.Count == 0 ? New(schema, isFalse: true) : Any(schema, failures);
    }

    private static Schema New(Schema origin, bool isFalse = false, JsonTypes types = JsonTypes.All) =>
        new() { Pointer = origin.Pointer, IsFalse = isFalse, Types = types };

    private static Schema Any(Schema origin, IReadOnlyList<Schema> schemas)
    {
        var any = New(origin);
        any.Parts.Add(new SchemaPart.Any(schemas));
        return any;
    }

    private static Schema All(Schema origin, IReadOnlyList<Schema> schemas)
    {
        var all = New(origin);
        all.Parts.Add(new SchemaPart.All(schemas));
        return all;
    }

    private void Fail(string what) => _obstacle ??= what;

    private void AddScalars(Schema schema, List<Schema> failures)
    {
        if (schema.Types != JsonTypes.All)
        {
            failures.Add(New(schema, types: JsonTypes.All & ~schema.Types));
        }

        if (schema.Values is { } values)
        {
            var others = New(schema);
            others.NotValues.AddRange(values);
            failures.Add(others);
        }

        if (schema.NotValues.Count > 0)
        {
            var these = New(schema);
            these.Values = [.. schema.NotValues];
            failures.Add(these);
        }

        AddNumbers(schema, failures);
        AddTexts(schema, failures);
    }

    private void AddNumbers(Schema schema, List<Schema> failures)
    {
        if (schema.Numbers.Low is { } low)
        {
            failures.Add(Numbers(NumberBounds.UpTo(low, !schema.Numbers.LowIsOut)));
        }

        if (schema.Numbers.High is { } high)
        {
            failures.Add(Numbers(NumberBounds.From(high, !schema.Numbers.HighIsOut)));
        }

        if (schema.Numbers.Step is not null)
        {
            Fail("multipleOf");
        }

        Schema Numbers(NumberBounds bounds)
        {
            var numbers = New(schema, types: JsonTypes.Number);
            numbers.Numbers = bounds;
            return numbers;
        }
    }

    private static void AddTexts(Schema schema, List<Schema> failures)
    {
        if (schema.MinLength > 0)
        {
            Strings().MaxLength = schema.MinLength - 1;
        }

        if (schema.MaxLength is { } most)
        {
            Strings().MinLength = most == int.MaxValue ? most : most + 1;
        }

        foreach (var text in schema.Texts)
        {
            Strings().NotTexts.Add(text);
        }

        foreach (var text in schema.NotTexts)
        {
            Strings().Texts.Add(text);
        }

        Schema Strings()
        {
            var strings = New(schema, types: JsonTypes.String);
            failures.Add(strings);
            return strings;
        }
    }

    private void AddObjects(Schema schema, List<Schema> failures)
    {
        foreach (var (name, property) in schema.Properties)
        {
            var wrong = Objects();
            wrong.Required.Add(name);
            wrong.Properties.Add((name, Of(property)));
        }

        foreach (string name in schema.Required)
        {
            Objects().Properties.Add((name, New(schema, isFalse: true)));
        }

        if (schema.MinProperties > 0)
        {
            Objects().MaxProperties = schema.MinProperties - 1;
        }

        if (schema.MaxProperties is { } most)
        {
            Objects().MinProperties = most == int.MaxValue ? most : most + 1;
        }

        if (schema.AdditionalProperties is { IsTrue: false })
        {
            Fail("additionalProperties");
        }

        if (schema.PatternProperties.Count > 0 || schema.PropertyNames is not null || schema.UnevaluatedProperties is not null)
        {
            Fail("patternProperties, propertyNames and unevaluatedProperties");
        }

        Schema Objects()
        {
            var objects = New(schema, types: JsonTypes.Object);
            failures.Add(objects);
            return objects;
        }
    }

    private void AddArrays(Schema schema, List<Schema> failures)
    {
        if (schema.MinItems > 0)
        {
            Arrays().MaxItems = schema.MinItems - 1;
        }

        if (schema.MaxItems is { } most)
        {
            Arrays().MinItems = most == int.MaxValue ? most : most + 1;
        }

        for (int i = 0; i < schema.PrefixItems.Count; i++)
        {
            var wrong = Arrays();
            wrong.MinItems = i + 1;
            wrong.PrefixItems.AddRange(Enumerable.Range(0, i).Select(_ => New(schema)));
            wrong.PrefixItems.Add(Of(schema.PrefixItems[i]));
        }

        if (schema.Items is { IsTrue: false } items)
        {
            if (schema.PrefixItems.Count > 0)
            {
                Fail("items behind prefixItems");
            }

            Arrays().Contains = Of(items);
        }

        if (schema.Contains is { } contained)
        {
            AddContains(schema, contained, Arrays);
        }

        if (schema.UniqueItems || schema.UnevaluatedItems is not null)
        {
            Fail("uniqueItems and unevaluatedItems");
        }

        Schema Arrays()
        {
            var arrays = New(schema, types: JsonTypes.Array);
            failures.Add(arrays);
            return arrays;
        }
    }

    private static void AddContains(Schema schema, Schema contained, Func<Schema> arrays)
    {
        if (schema.MinContains > 0)
        {
            var fewer = arrays();
            fewer.Contains = contained;
            fewer.MinContains = 0;
            fewer.MaxContains = schema.MinContains - 1;
        }

        if (schema.MaxContains is { } most)
        {
            var more = arrays();
            more.Contains = contained;
            more.MinContains = most == int.MaxValue ? most : most + 1;
        }
    }

    private void AddPart(Schema schema, SchemaPart part, List<Schema> failures)
    {
        switch (part)
        {
            case SchemaPart.All all:
                failures.AddRange(all.Schemas.Select(Of));
                break;
            case SchemaPart.Any any:
                failures.Add(All(schema, [.. any.Schemas.Select(Of)]));
                break;
            case SchemaPart.One:
                Fail("oneOf");
                break;
            case SchemaPart.Reference reference:
                failures.Add(Of(reader.Resolve(reference)));
                break;
            case SchemaPart.Not not:
                failures.Add(not.Schema);
                break;
            case SchemaPart.Conditional conditional:
                failures.Add(All(schema, [conditional.If, Of(conditional.Then)]));
                failures.Add(All(schema, [Of(conditional.If), Of(conditional.Else)]));
                break;
        }
    }
}
