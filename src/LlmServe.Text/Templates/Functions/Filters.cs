using System.Collections.Frozen;

namespace LlmServe.Text.Templates;

/// <summary>All filters by name.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, BuiltIn> Table =
        new[] { TextFilters.All, LayoutFilters.All, SequenceFilters.All, SelectionFilters.All, ValueFilters.All, MarkupFilters.All }
            .SelectMany(family => family).ToFrozenDictionary(filter => filter.Name);

    public static BuiltIn? Find(string name) => Table.GetValueOrDefault(name);

    public static TemplateRuntimeException Unknown(string name) => new($"there is no filter named '{name}'");
}
