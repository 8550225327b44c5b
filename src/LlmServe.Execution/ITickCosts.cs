namespace LlmServe.Execution;

/// <summary>The cost table of a compiled model on its machine.</summary>
public interface ITickCosts
{
    /// <summary>Whether costs are this machine's. Before, they are those of a nominal one.</summary>
    bool IsMeasured { get; }

    /// <summary>
    /// Measures the machine with the kernels that ticks run (about a second, unless a figure was kept). The thread that runs ticks calls it, between two of
    /// them. Later calls return at once.
    /// </summary>
    void Measure();

    /// <summary>Predicted seconds of a tick: a look-up that allocates nothing. Any thread may ask at any time.</summary>
    double Seconds(in TickLoad load);

    /// <summary>Predicted seconds of a tick.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="selected">Rows among them that are selected.</param>
    /// <param name="context">Mean number of positions that a row attends to.</param>
    double Seconds(int rows, int selected, int context) => Seconds(new TickLoad(rows, selected, context));
}
