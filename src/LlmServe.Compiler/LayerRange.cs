namespace LlmServe.Compiler;

/// <summary>A run of a model's layers.</summary>
/// <param name="First">The first.</param>
/// <param name="End">The one after the last.</param>
public sealed record LayerRange(int First, int End);
