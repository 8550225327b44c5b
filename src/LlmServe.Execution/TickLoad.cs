namespace LlmServe.Execution;

/// <summary>What a tick is asked to do.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Selected">Rows among them whose logits are wanted.</param>
/// <param name="Context">Mean number of positions that a row attends to.</param>
public readonly record struct TickLoad(int Rows, int Selected, int Context)
{
    /// <summary>Shorter stretches of consecutive positions are taken as single rows.</summary>
    public const int ShortestRun = 4;

    /// <summary>
    /// Rows that are probably consecutive positions of a sequence, for which attention is cheaper: a stretch of a prompt wants logits of its last row at
    /// most, and every other row that wants logits is a stream of its own.
    /// </summary>
    public int RunRows => Rows - Selected + 1 < ShortestRun ? 0 : Math.Min(Rows, Rows - Selected + 1);

    /// <summary>A stretch of one sequence's prompt: the last row wants logits.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="start">Positions before the stretch.</param>
    public static TickLoad Prompt(int rows, int start) => new(rows, 1, start + ((rows + 1) / 2));

    /// <summary>Decoding streams, one row each, all at the same context.</summary>
    public static TickLoad Streams(int rows, int context) => new(rows, rows, context + 1);
}
