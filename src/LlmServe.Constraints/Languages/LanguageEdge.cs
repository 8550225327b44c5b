namespace LlmServe.Constraints.Languages;

/// <summary>An edge of a <see cref="Language"/>: code points of a range lead to a state.</summary>
internal readonly record struct LanguageEdge(int Low, int High, int To);
