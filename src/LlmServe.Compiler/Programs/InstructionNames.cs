using LlmServe.Compiler.Printing;

namespace LlmServe.Compiler.Programs;

/// <summary>The names of what instructions of a program refer to.</summary>
/// <param name="program">The program.</param>
public readonly struct InstructionNames(StreamProgram program)
{
    /// <summary>A buffer without its layer; nothing for none.</summary>
    public string Buffer(int buffer) => buffer < 0 ? "" : ProgramSection.ShortName(program.Buffers[buffer].Name);

    /// <summary>A weight: <c>blk.0.attn_q</c>.</summary>
    public string Weight(int weight)
    {
        string name = program.Weights[weight].Name;
        return name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;
    }

    /// <summary>A weight without its layer: <c>attn_q</c>.</summary>
    public string ShortWeight(int weight) => ProgramSection.ShortName(program.Weights[weight].Name);

    /// <summary>Matrix rows: <c>rows 0..288</c>.</summary>
    public static string MatrixRows(in Instruction i) => $"rows {i.Begin}..{i.End}";

    /// <summary>What part of a row step an instruction is: <c>columns 0..64</c>, <c>all rows</c>, <c>share 1/2 of rows wanted</c>.</summary>
    public string Part(in Instruction i)
    {
        int lanes = program.Lanes;
        string work = i.Opcode.Family == OpcodeFamily.Attention ? "heads" : i.Opcode.Division == Division.Units ? "experts" : i.Selected ? "rows wanted" : "rows";
        bool hasAllRows = i.FirstShare == 0 && i.EndShare == lanes;
        return !hasAllRows ? $"share {i.FirstShare + 1}/{lanes} of {work}"
            : i.Begin == 0 && i.End == i.Opcode.Columns(program, i) ? $"all {work}"
            : $"columns {i.Begin}..{i.End}";
    }

    /// <summary>Which share of the rows, if not all: <c> of share 1/2</c>.</summary>
    public string Share(in Instruction i) => i.FirstShare == 0 && i.EndShare == program.Lanes ? "" : $" of share {i.FirstShare + 1}/{program.Lanes}";

    /// <summary>Whether a buffer is an output of the program.</summary>
    public bool IsOutput(int buffer) => program.IsOutput(buffer);
}
