namespace LlmServe.Compiler.Programs;

/// <summary>A value that goes into a program or comes out of it.</summary>
/// <param name="Name">One of <see cref="LlmServe.Execution.TickOutputs"/>.</param>
/// <param name="Buffer">Where it stands; a buffer of lanes has it in each.</param>
/// <param name="Columns">Numbers per row.</param>
/// <param name="Selected">Whether it has selected rows only.</param>
public sealed record ProgramPort(string Name, int Buffer, int Columns, bool Selected);
