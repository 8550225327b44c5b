using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>A matrix of a step that multiplies, and what becomes of its product.</summary>
/// <param name="Matrix">The matrix.</param>
/// <param name="Output">Gets the product, or what is made of it.</param>
internal sealed record MatrixPart(Weight Matrix, GraphValue Output)
{
    /// <summary>A second matrix over the same input.</summary>
    public Weight? Second { get; init; }

    /// <summary>What the product is added to in place; the output takes over its storage.</summary>
    public GraphValue? Residual { get; init; }
}
