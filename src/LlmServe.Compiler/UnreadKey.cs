namespace LlmServe.Compiler;

/// <summary>A metadata key that no graph reads.</summary>
/// <param name="Key">Without the family's prefix.</param>
/// <param name="Allowed">The values with which a file is taken all the same, in words.</param>
public sealed record UnreadKey(string Key, string Allowed);
