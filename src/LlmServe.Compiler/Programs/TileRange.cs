namespace LlmServe.Compiler.Programs;

/// <summary>A range of a matrix's rows.</summary>
internal readonly record struct TileRange(int Matrix, int Begin, int End);
