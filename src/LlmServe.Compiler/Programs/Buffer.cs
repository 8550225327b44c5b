using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>Storage of a value in a program: rows of equal length.</summary>
/// <param name="Id">Index in <see cref="StreamProgram.Buffers"/>.</param>
/// <param name="Name">For people.</param>
/// <param name="Columns">Numbers per row.</param>
/// <param name="Forms">How they are stored.</param>
/// <param name="RowBytes">Distance between rows, in bytes.</param>
/// <param name="Rows">Most rows.</param>
/// <param name="Place">Where.</param>
public sealed record Buffer(int Id, string Name, int Columns, ActivationForms Forms, int RowBytes, int Rows, BufferPlace Place)
{
    /// <summary>The forms in words.</summary>
    public string Storage { get; init; } = "";

    /// <summary>Bytes in its arena.</summary>
    public long Bytes => Place == BufferPlace.Cache ? 0 : (long)RowBytes * Rows;
}
