namespace LlmServe.Compiler.Programs;

/// <summary>What an instruction does; each is one kernel entry point.</summary>
public enum Opcode
{
    /// <summary>Output rows = rows of the embedding table.</summary>
    Embed,

    /// <summary>Cosines and sines of each row's position.</summary>
    RopeTable,

    /// <summary>RMSNorm of rows into the forms of the output.</summary>
    Norm,

    /// <summary>Output columns = matrix rows · input.</summary>
    MatMul,

    /// <summary>Output columns += matrix rows · input.</summary>
    MatMulAdd,

    /// <summary>Output columns = silu(gate rows · input) · (up rows · input), in the forms of the output.</summary>
    GatedMatMul,

    /// <summary>Rotates query columns in place.</summary>
    RotateQueries,

    /// <summary>Rotates key columns and stores them in the cache.</summary>
    StoreKeys,

    /// <summary>Stores value columns in the cache.</summary>
    StoreValues,

    /// <summary>Attention over the cache, in the forms of the output; what the cut between lanes divides goes to the parts.</summary>
    Attention,

    /// <summary>Joins the parts into the rest of attention's output.</summary>
    JoinAttention,
}

/// <summary>
/// One step of one lane. <see cref="Begin"/> and <see cref="End"/> are matrix rows (output columns) for matrix and column opcodes;
/// for row opcodes they are shares: the lane handles rows count·Begin/Lanes … count·End/Lanes.
/// </summary>
public readonly record struct Instruction
{
    public required Opcode Opcode { get; init; }

    /// <summary>Transformer block; −1 outside.</summary>
    public int Layer { get; init; }

    /// <summary>Weight, or −1.</summary>
    public int Weight { get; init; }

    /// <summary>Second weight (up projection), or −1.</summary>
    public int Weight2 { get; init; }

    /// <summary>Buffer read, or −1.</summary>
    public int Input { get; init; }

    /// <summary>Second buffer read (cosines and sines, or the cache), or −1.</summary>
    public int Input2 { get; init; }

    /// <summary>Buffer written.</summary>
    public int Output { get; init; }

    /// <summary>Intermediate results of attention, a row for each lane (written by attention, read by its join), or −1.</summary>
    public int Parts { get; init; }

    /// <summary>First column or share.</summary>
    public int Begin { get; init; }

    /// <summary>End of columns or shares, exclusive.</summary>
    public int End { get; init; }

    /// <summary>Added to columns on their way to the output: where values start in a layer's cache.</summary>
    public int Shift { get; init; }

    /// <summary>Whether only rows whose logits are wanted take part.</summary>
    public bool Selected { get; init; }

    /// <summary>Constant of the operation (epsilon of a norm).</summary>
    public float Constant { get; init; }

    /// <summary>Weight bytes read per tick.</summary>
    public long Bytes { get; init; }

    /// <summary>Multiply-adds per row.</summary>
    public long MultiplyAdds { get; init; }

    /// <summary>Fewest rows for which the target takes the same matrix kernel; 0 for other opcodes. Tells kernels apart where time is predicted.</summary>
    public int KernelFrom { get; init; }
}

/// <summary>Instructions between two barriers, one list per lane.</summary>
public sealed record Phase(string Name, IReadOnlyList<IReadOnlyList<Instruction>> Lanes);
