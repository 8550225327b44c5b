namespace LlmServe.Compiler.Graph;

/// <summary>Which rows of a tick a value has.</summary>
/// <param name="Selected">Only the rows whose outputs are wanted.</param>
/// <param name="Copies">Rows for each of them: 1, or the experts that each is sent to.</param>
public readonly record struct RowSet(bool Selected = false, int Copies = 1)
{
    /// <summary>Every row once.</summary>
    public static RowSet All => new(false);
}
