namespace LlmServe.Constraints.Languages;

/// <summary>Code points from one to another, both included.</summary>
internal readonly record struct CodePointRange(int Low, int High);
