namespace LlmServe.Constraints;

/// <summary>
/// What may come before a rule: free text up to a mark that ends it, such as the reasoning of a model. The generation cannot end within it.
/// </summary>
/// <param name="End">The mark: a <see cref="ConstraintPart.Literal"/> or a <see cref="ConstraintPart.Token"/>.</param>
/// <param name="MostTokens">
/// After so many tokens without the mark it is written without asking the model; null: never. The tokens of the mark itself come on top.
/// </param>
public sealed record ConstraintPreamble(ConstraintPart End, int? MostTokens = null)
{
    /// <summary>
    /// The mark that begins it, a <see cref="ConstraintPart.Literal"/> or a <see cref="ConstraintPart.Token"/>, behind up to two blanks and line breaks; a
    /// text that does not begin so has no preamble, and its rule begins at once. Tokens are counted behind the mark. Null: the text begins within the preamble.
    /// </summary>
    public ConstraintPart? Start { get; init; }

    /// <summary>Blanks and line breaks that may stand between the mark that ends it and the rule, at most.</summary>
    public int MostSpace { get; init; }
}
