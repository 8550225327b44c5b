namespace LlmServe.Constraints.Schemas;

/// <summary>A keyword that brings other schemas to bear on the same value.</summary>
internal abstract record SchemaPart
{
    /// <summary>The place at which the schema's own properties stand.</summary>
    public sealed record OwnProperties : SchemaPart;

    /// <summary>All of these.</summary>
    public sealed record All(IReadOnlyList<Schema> Schemas) : SchemaPart;

    /// <summary>At least one of these.</summary>
    public sealed record Any(IReadOnlyList<Schema> Schemas) : SchemaPart;

    /// <summary>Exactly one of these.</summary>
    public sealed record One(IReadOnlyList<Schema> Schemas, string Pointer) : SchemaPart;

    /// <summary>The schema that a reference names, found when it is needed.</summary>
    public sealed record Reference(string Target, Uri Base, string Pointer) : SchemaPart;

    /// <summary>Not this.</summary>
    public sealed record Not(Schema Schema, string Pointer) : SchemaPart;

    /// <summary>If the first, then the second, else the third.</summary>
    public sealed record Conditional(Schema If, Schema Then, Schema Else, string Pointer) : SchemaPart;
}
