using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>Finds out where no value can satisfy schemas together. It says so only where it is certain.</summary>
/// <param name="expander">Resolves schemas into alternatives.</param>
/// <param name="meter">Counts the work.</param>
internal sealed class SchemaEmptiness(SchemaExpander expander, WorkMeter meter)
{
    private const int Deepest = 6;

    private readonly SchemaCheck _check = new(expander);

    /// <summary>Whether certainly no value satisfies both schemas and the own keywords of a third.</summary>
    public bool AreDisjoint(Schema left, Schema right, Schema context)
    {
        return expander.TryExpand([left]) is { } ways && expander.TryExpand([right]) is { } others && ways.TrueForAll(way => others.TrueForAll(other => IsEmpty(Together(way, other, context), Deepest)));
    }

    private static SchemaAlternative Together(SchemaAlternative left, SchemaAlternative right, Schema context)
    {
        var both = left.And(right);
        both.Add(context);
        return both;
    }

    private bool IsEmpty(IReadOnlyList<Schema> schemas, int depth) =>
        depth > 0 && schemas.Count > 0 && (schemas.Any(schema => schema.IsFalse) || expander.TryExpand(schemas)?.TrueForAll(way => IsEmpty(way, depth)) == true);

    private bool IsEmpty(SchemaAlternative way, int depth)
    {
        meter.Add(way.Members.Count + 1);
        if (way.Members.Find(member => member.Values is not null) is { } listed)
        {
            return !listed.Values!.Exists(value => _check.Allows(way, value));
        }

        var types = way.Types;
        return (types & (JsonTypes.Null | JsonTypes.Boolean)) == 0
            && ((types & JsonTypes.Number) == 0 || AreNumbersEmpty(way, types))
            && ((types & JsonTypes.String) == 0 || AreTextsEmpty(way))
            && ((types & JsonTypes.Array) == 0 || AreArraysEmpty(way, depth))
            && ((types & JsonTypes.Object) == 0 || AreObjectsEmpty(way, depth));
    }

    private static bool AreNumbersEmpty(SchemaAlternative way, JsonTypes types)
    {
        var bounds = way.Members.Aggregate(NumberBounds.None, (all, member) => all.And(member.Numbers));
        if (bounds.IsEmpty)
        {
            return true;
        }

        bool integers = (types & JsonTypes.Fraction) == 0;
        return integers && bounds.Low is { } low && bounds.High is { } high && high.Scale == 0 && low.Scale == 0
            && high.Unscaled - low.Unscaled < (bounds.LowIsOut ? 1 : 0) + (bounds.HighIsOut ? 1 : 0);
    }

    private bool AreTextsEmpty(SchemaAlternative way)
    {
        int least = way.Members.Max(member => member.MinLength);
        if (way.Members.Exists(member => member.MaxLength < least))
        {
            return true;
        }

        var languages = way.Members.SelectMany(member => member.Texts).Distinct().ToList();
        var excluded = way.Members.SelectMany(member => member.NotTexts).Distinct().ToList();
        if (languages.Count + excluded.Count < 2)
        {
            return false;
        }

        var all = languages.Aggregate(Language.All, (both, language) => both.Intersect(language, meter));
        return excluded.Aggregate(all, (rest, language) => rest.Except(language, meter)).IsEmpty;
    }

    private bool AreArraysEmpty(SchemaAlternative way, int depth)
    {
        int least = way.Members.Max(member => member.MinItems);
        if (way.Members.Exists(member => member.MaxItems < least))
        {
            return true;
        }

        int looked = Math.Min(least, way.Members.Max(member => member.PrefixItems.Count) + 1);
        return Enumerable.Range(0, looked).Any(i => IsEmpty(PropertySchemas.Of(way, i), depth - 1));
    }

    private bool AreObjectsEmpty(SchemaAlternative way, int depth)
    {
        int least = way.Members.Max(member => member.MinProperties);
        return way.Members.Exists(member => member.MaxProperties < least)
            || way.Members.SelectMany(member => member.Required).Distinct().Any(name => IsEmpty(PropertySchemas.Of(way, name), depth - 1));
    }
}
