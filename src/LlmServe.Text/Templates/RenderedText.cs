namespace LlmServe.Text.Templates;

/// <summary>
/// A rendered conversation, and which of it the template did not write itself. Control tokens that are spelled out in <see cref="Inputs"/> are a user's
/// words and no marks: <see cref="ITokenizer.Encode"/> takes these stretches as literal text.
/// </summary>
/// <param name="Text">The prompt's text, special tokens of the template spelled out.</param>
/// <param name="Inputs">
/// The stretches that came from messages, tools and variables, in order and apart from each other. Names of roles that every template knows count as the
/// template's own, since some spell their marks with them; so do numbers and the signs that JSON puts between values.
/// </param>
public sealed record RenderedText(string Text, IReadOnlyList<TextSpan> Inputs);
