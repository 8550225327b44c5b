using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>
/// One schema with its keywords read, apart from what it refers to. Schemas that follow from others (the negative of one, say) are made of the same
/// keywords. A schema without keywords allows everything.
/// </summary>
internal sealed class Schema
{
    /// <summary>Where it stands: a JSON pointer as a URI fragment.</summary>
    public required string Pointer { get; init; }

    /// <summary>Whether it allows nothing.</summary>
    public bool IsFalse { get; init; }

    /// <summary>Whether it only says that something is not there, and so has not looked at it.</summary>
    public bool IsSilent { get; init; }

    /// <summary>Allowed types.</summary>
    public JsonTypes Types { get; set; } = JsonTypes.All;

    /// <summary>The only values; null: any.</summary>
    public List<JsonValue>? Values { get; set; }

    /// <summary>Values that are not allowed.</summary>
    public List<JsonValue> NotValues { get; } = [];

    /// <summary>Bounds of numbers.</summary>
    public NumberBounds Numbers { get; set; } = NumberBounds.None;

    /// <summary>Least length of strings, in code points.</summary>
    public int MinLength { get; set; }

    /// <summary>Greatest length of strings, in code points.</summary>
    public int? MaxLength { get; set; }

    /// <summary>What strings must belong to.</summary>
    public List<Language> Texts { get; } = [];

    /// <summary>What strings must not belong to.</summary>
    public List<Language> NotTexts { get; } = [];

    /// <summary>Schemas of named properties, in the order of the text.</summary>
    public List<(string Name, Schema Schema)> Properties { get; } = [];

    /// <summary>Schemas of properties whose names belong to a language.</summary>
    public List<(Language Names, Schema Schema)> PatternProperties { get; } = [];

    /// <summary>Schema of all other properties.</summary>
    public Schema? AdditionalProperties { get; set; }

    /// <summary>Schema of the names of properties.</summary>
    public Schema? PropertyNames { get; set; }

    /// <summary>Properties that must be there.</summary>
    public List<string> Required { get; } = [];

    /// <summary>Least number of properties.</summary>
    public int MinProperties { get; set; }

    /// <summary>Greatest number of properties.</summary>
    public int? MaxProperties { get; set; }

    /// <summary>Schemas of the first items.</summary>
    public List<Schema> PrefixItems { get; } = [];

    /// <summary>Schema of the items behind them.</summary>
    public Schema? Items { get; set; }

    /// <summary>Least number of items.</summary>
    public int MinItems { get; set; }

    /// <summary>Greatest number of items.</summary>
    public int? MaxItems { get; set; }

    /// <summary>Whether no two items may be equal.</summary>
    public bool UniqueItems { get; set; }

    /// <summary>Schema of which some items must be.</summary>
    public Schema? Contains { get; set; }

    /// <summary>How many items at least.</summary>
    public int MinContains { get; set; } = 1;

    /// <summary>How many items at most.</summary>
    public int? MaxContains { get; set; }

    /// <summary>Schema of properties that no other keyword has looked at.</summary>
    public Schema? UnevaluatedProperties { get; set; }

    /// <summary>Schema of items that no other keyword has looked at.</summary>
    public Schema? UnevaluatedItems { get; set; }

    /// <summary>Keywords that bring in other schemas, and the place of <c>properties</c> among them, in the order of the text.</summary>
    public List<SchemaPart> Parts { get; } = [];

    /// <summary>Whether everything is allowed.</summary>
    public bool IsTrue => !IsFalse && Parts.Count == 0 && !HasOwnKeywords;

    /// <summary>Whether any keyword but those of <see cref="Parts"/> says something.</summary>
    private bool HasOwnKeywords =>
        Types != JsonTypes.All || Values is not null || NotValues.Count > 0 || Numbers != NumberBounds.None || HasTextKeywords || HasObjectKeywords || HasArrayKeywords;

    /// <summary>Whether a keyword is about strings.</summary>
    public bool HasTextKeywords => MinLength > 0 || MaxLength is not null || Texts.Count > 0 || NotTexts.Count > 0;

    /// <summary>Whether a keyword is about objects.</summary>
    public bool HasObjectKeywords =>
        Properties.Count > 0 || PatternProperties.Count > 0 || AdditionalProperties is not null || PropertyNames is not null || Required.Count > 0
        || MinProperties > 0 || MaxProperties is not null || UnevaluatedProperties is not null;

    /// <summary>Whether a keyword is about arrays.</summary>
    public bool HasArrayKeywords =>
        PrefixItems.Count > 0 || Items is not null || MinItems > 0 || MaxItems is not null || UniqueItems || Contains is not null || UnevaluatedItems is not null;
}
