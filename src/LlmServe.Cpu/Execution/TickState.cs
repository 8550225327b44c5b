namespace LlmServe.Cpu.Execution;

/// <summary>What every lane reads during a tick. Unmanaged, so that kernels follow plain pointers.</summary>
internal unsafe struct TickState
{
    /// <summary>Rows in the tick.</summary>
    public int Rows;

    /// <summary>Rows that are selected.</summary>
    public int Selected;

    /// <summary>Token per row. [Rows]</summary>
    public int* Tokens;

    /// <summary>Position per row. [Rows]</summary>
    public int* Positions;

    /// <summary>Slot per row. [Rows]</summary>
    public int* Slots;

    /// <summary>Row of each selected row. [Selected]</summary>
    public int* SelectedRows;
}
