using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>What is made of a gate.</summary>
/// <param name="Kind">The function.</param>
public sealed record ActivationDetail(ActivationKind Kind) : Detail;
