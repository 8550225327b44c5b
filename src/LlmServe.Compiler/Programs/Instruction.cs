namespace LlmServe.Compiler.Programs;

/// <summary>
/// One step of one lane: columns <see cref="Begin"/> … <see cref="End"/> (matrix rows, for matrices) of the rows count · FirstShare / Lanes …
/// count · EndShare / Lanes.
/// </summary>
public readonly record struct Instruction
{
    /// <summary>An instruction without operands.</summary>
    public Instruction(Opcode opcode)
    {
        Opcode = opcode;
        Layer = Weight = Weight2 = Weight3 = Input = Input2 = Input3 = Output = Parts = -1;
        Copies = 1;
    }

    public Opcode Opcode { get; init; }

    /// <summary>The step of the program that it is a part of: the instructions of a step do the work of an operation together.</summary>
    public int Step { get; init; }

    /// <summary>Transformer block; −1 outside.</summary>
    public int Layer { get; init; }

    /// <summary>Weight, or −1.</summary>
    public int Weight { get; init; }

    /// <summary>Second weight, or −1.</summary>
    public int Weight2 { get; init; }

    /// <summary>Third weight, or −1.</summary>
    public int Weight3 { get; init; }

    /// <summary>Buffer read, or −1.</summary>
    public int Input { get; init; }

    /// <summary>Second buffer read, or −1.</summary>
    public int Input2 { get; init; }

    /// <summary>Third buffer read, or −1.</summary>
    public int Input3 { get; init; }

    /// <summary>Buffer written.</summary>
    public int Output { get; init; }

    /// <summary>Intermediate results, a row for each lane, or −1.</summary>
    public int Parts { get; init; }

    /// <summary>First column.</summary>
    public int Begin { get; init; }

    /// <summary>End of columns, exclusive.</summary>
    public int End { get; init; }

    /// <summary>First share of the rows.</summary>
    public int FirstShare { get; init; }

    /// <summary>End of shares, exclusive.</summary>
    public int EndShare { get; init; }

    /// <summary>Added to columns on their way from input to output (−n: to columns of the output on their way from the input).</summary>
    public int Shift { get; init; }

    /// <summary>Whether only selected rows take part.</summary>
    public bool Selected { get; init; }

    /// <summary>Whether the selected rows are gathered from an input that has every row.</summary>
    public bool Gathers { get; init; }

    /// <summary>Rows of the operands for each row that takes part.</summary>
    public int Copies { get; init; }

    /// <summary>Constant of the operation: an epsilon, a factor.</summary>
    public float Constant { get; init; }

    /// <summary>Constants that the opcode alone knows.</summary>
    public Detail? Detail { get; init; }

    /// <summary>Weight bytes read per tick, whatever its rows; of chosen experts, those of one.</summary>
    public long Bytes { get; init; }

    /// <summary>Multiply-adds per row.</summary>
    public long MultiplyAdds { get; init; }

    /// <summary>Fewest rows for which the target takes the same matrix kernel; 0 for other opcodes. Tells kernels apart where time is predicted.</summary>
    public int KernelFrom { get; init; }
}
