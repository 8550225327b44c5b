namespace LlmServe.Compiler.Programs;

/// <summary>Instructions between two barriers, one list per lane.</summary>
public sealed record Phase(string Name, IReadOnlyList<IReadOnlyList<Instruction>> Lanes);
