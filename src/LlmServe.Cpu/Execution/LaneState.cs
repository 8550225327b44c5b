namespace LlmServe.Cpu.Execution;

/// <summary>A lane's own state.</summary>
internal unsafe struct LaneState
{
    public int Lane;
    public int Lanes;
    public TickState* Tick;

    /// <summary>Private memory for kernels. [ScratchBytes], 64-byte aligned</summary>
    public byte* Scratch;
}
