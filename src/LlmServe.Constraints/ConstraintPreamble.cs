namespace LlmServe.Constraints;

/// <summary>
/// What may come before a rule: free text up to a mark that ends it, such as the reasoning of a model. The generation cannot end within it.
/// </summary>
/// <param name="End">The mark: a <see cref="ConstraintPart.Literal"/> or a <see cref="ConstraintPart.Token"/>.</param>
/// <param name="MostTokens">
/// After so many tokens without the mark it is written without asking the model; null: never. The tokens of the mark itself come on top.
/// </param>
public sealed record ConstraintPreamble(ConstraintPart End, int? MostTokens = null);
