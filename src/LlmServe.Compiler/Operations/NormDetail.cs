using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Constants of a norm.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Group">Columns that are normalised together: a row, or a head.</param>
public sealed record NormDetail(NormKind Kind, int Group) : Detail;
