using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>What schemas ask of strings, as languages.</summary>
/// <param name="expander">Resolves schemas into alternatives.</param>
/// <param name="meter">Counts the work.</param>
internal sealed class SchemaTexts(SchemaExpander expander, WorkMeter meter)
{
    /// <summary>The strings of an alternative without listed values; null if nothing but their length matters.</summary>
    public Language? LanguageOf(SchemaAlternative way)
    {
        var wanted = way.Members.SelectMany(member => member.Texts).Distinct().ToList();
        var excluded = way.Members.SelectMany(member => member.NotTexts).Distinct().ToList();
        var values = way.Members.SelectMany(member => member.NotValues).Where(value => value.Type == JsonTypes.String).Select(value => value.Text).ToList();
        if (wanted.Count + excluded.Count + values.Count == 0)
        {
            return null;
        }

        var language = wanted.Aggregate(LengthsOf(way), (all, text) => all.Intersect(text, meter));
        language = excluded.Aggregate(language, (rest, text) => rest.Except(text, meter));
        return language.Except(Language.Literals(values), meter);
    }

    /// <summary>The names that schemas allow for properties.</summary>
    public Language NamesOf(IReadOnlyList<Schema> schemas)
    {
        if (schemas.Count == 0)
        {
            return Language.All;
        }

        var check = new SchemaCheck(expander);
        var names = Language.None;
        foreach (var way in expander.Expand(schemas).Where(way => (way.Types & JsonTypes.String) != 0))
        {
            names = names.Union(way.Members.Find(member => member.Values is not null) is { } listed
                ? Language.Literals(listed.Values!.Where(value => value.Type == JsonTypes.String && check.Allows(way, value)).Select(value => value.Text))
                : LanguageOf(way) ?? LengthsOf(way), meter);
        }

        return names;
    }

    private Language LengthsOf(SchemaAlternative way)
    {
        int least = way.Members.Max(member => member.MinLength);
        int? most = way.Members.Min(member => member.MaxLength);
        if (most < least)
        {
            return Language.None;
        }

        if (Math.Max(least, most ?? 0) > meter.Limits.MaxRepetition)
        {
            throw new ConstraintException(
                way.Members[0].Pointer, $"minLength and maxLength beside a pattern or format can be at most {meter.Limits.MaxRepetition}");
        }

        return least == 0 && most is null ? Language.All : Language.OfLength(least, most, meter);
    }
}
