namespace LlmServe.Compiler.Programs;

/// <summary>
/// A region of a buffer that an instruction reads or writes: columns of a share of the rows; or what a lane takes of units that are only known in a tick.
/// </summary>
/// <param name="Buffer">The buffer.</param>
/// <param name="IsWrite">Whether it is written.</param>
/// <param name="FirstShare">First share of the rows.</param>
/// <param name="EndShare">End of shares, exclusive.</param>
/// <param name="Begin">First column.</param>
/// <param name="End">End of columns, exclusive.</param>
/// <param name="Unit">The lane, where the region is its units; else −1.</param>
internal readonly record struct Access(int Buffer, bool IsWrite, int FirstShare, int EndShare, int Begin, int End, int Unit = -1)
{
    /// <summary>The whole of a buffer.</summary>
    public static Access Whole(int buffer, bool isWrite = false) => new(buffer, isWrite, 0, int.MaxValue, 0, int.MaxValue);

    /// <summary>The columns and rows that an instruction is for.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <param name="isWrite">Whether it is written.</param>
    /// <param name="i">The instruction.</param>
    /// <param name="shift">Added to columns.</param>
    public static Access Rectangle(int buffer, bool isWrite, in Instruction i, int shift = 0) =>
        new(buffer, isWrite, i.FirstShare, i.EndShare, i.Begin + shift, i.End + shift);

    /// <summary>All columns of the rows that an instruction is for.</summary>
    public static Access Rows(int buffer, bool isWrite, in Instruction i) => new(buffer, isWrite, i.FirstShare, i.EndShare, 0, int.MaxValue);

    /// <summary>The columns and rows that an instruction reads: of every row, where it gathers them.</summary>
    public static Access Read(int buffer, in Instruction i) =>
        i.Gathers ? new Access(buffer, false, 0, int.MaxValue, i.Begin, i.End) : Rectangle(buffer, false, i);

    /// <summary>A lane's units.</summary>
    public static Access Units(int buffer, bool isWrite, in Instruction i) => new(buffer, isWrite, 0, int.MaxValue, 0, int.MaxValue, i.FirstShare);

    /// <summary>Whether two regions may share bytes.</summary>
    public bool Overlaps(in Access other)
    {
        if (Buffer != other.Buffer)
        {
            return false;
        }

        return Unit >= 0 && other.Unit >= 0
            ? Unit == other.Unit
            : FirstShare < other.EndShare && other.FirstShare < EndShare && Begin < other.End && other.Begin < End;
    }
}
