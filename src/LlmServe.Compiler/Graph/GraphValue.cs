namespace LlmServe.Compiler.Graph;

/// <summary>What an operation produces: one row of numbers per row of the tick. It is written by one operation.</summary>
/// <param name="Id">Index in <see cref="ModelGraph.Values"/>.</param>
/// <param name="Name">For people: <c>blk.3.q</c>.</param>
/// <param name="Columns">Numbers per row.</param>
/// <param name="Rows">Which rows of a tick it has.</param>
internal sealed record GraphValue(int Id, string Name, int Columns, RowSet Rows);
