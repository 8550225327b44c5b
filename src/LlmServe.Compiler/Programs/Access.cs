namespace LlmServe.Compiler.Programs;

/// <summary>
/// A region of a buffer that an instruction reads or writes: a range of columns of all rows, or a share of the rows with all columns.
/// </summary>
/// <param name="Buffer">The buffer.</param>
/// <param name="Write">Whether it is written.</param>
/// <param name="ByRows">Whether <paramref name="Begin"/> and <paramref name="End"/> are row shares rather than columns.</param>
/// <param name="Begin">First column or share; with End = −1 the whole buffer.</param>
/// <param name="End">End, exclusive, or −1 for all.</param>
internal readonly record struct Access(int Buffer, bool Write, bool ByRows, int Begin, int End)
{
    /// <summary>Everything an instruction touches in buffers.</summary>
    public static IEnumerable<Access> Of(Instruction i)
    {
        switch (i.Opcode)
        {
            case Opcode.Embed or Opcode.RopeTable:
                return [Rows(i.Output, true, i)];
            case Opcode.Norm:
                // Selected rows are gathered from anywhere.
                return [i.Selected ? All(i.Input) : Rows(i.Input, false, i), Rows(i.Output, true, i)];
            case Opcode.MatMul or Opcode.GatedMatMul:
                return [All(i.Input), Columns(i.Output, true, i)];
            case Opcode.MatMulAdd:
                return [All(i.Input), Columns(i.Output, false, i), Columns(i.Output, true, i)];
            case Opcode.RotateQueries:
                return [All(i.Input2), Columns(i.Output, false, i), Columns(i.Output, true, i)];
            case Opcode.StoreKeys:
                return [All(i.Input2), Columns(i.Input, false, i), Columns(i.Output, true, i)];
            case Opcode.StoreValues:
                // The cache of a layer holds keys first and values behind them.
                return [Columns(i.Input, false, i), Columns(i.Output, true, i with { Begin = i.Begin + i.Shift, End = i.End + i.Shift })];
            case Opcode.Attention:
                return [All(i.Input), All(i.Input2), Rows(i.Parts, true, i), Rows(i.Output, true, i)];
            case Opcode.JoinAttention:
                // A lane goes on with what it joined so far, in its own part.
                return [All(i.Parts), Rows(i.Output, true, i)];
            default:
                throw new ArgumentOutOfRangeException(nameof(i), i.Opcode, "unknown opcode");
        }
    }

    /// <summary>Whether two regions may share bytes.</summary>
    public bool Overlaps(Access other)
    {
        if (Buffer != other.Buffer)
        {
            return false;
        }

        if (End < 0 || other.End < 0 || ByRows != other.ByRows)
        {
            return true;
        }

        return Begin < other.End && other.Begin < End;
    }

    private static Access All(int buffer) => new(buffer, false, false, 0, -1);

    private static Access Columns(int buffer, bool write, Instruction i) => new(buffer, write, false, i.Begin, i.End);

    private static Access Rows(int buffer, bool write, Instruction i) => new(buffer, write, true, i.Begin, i.End);
}
