using LlmServe.Compiler.Cost;

namespace LlmServe.Compiler.Programs;

/// <summary>An opcode that multiplies rows by matrix rows: writes columns, reads everything.</summary>
/// <param name="name">Its name.</param>
/// <param name="family">Its colour.</param>
/// <param name="adds">Whether it adds to what it writes.</param>
internal class MatrixOpcode(string name, OpcodeFamily family, bool adds = false) : Opcode
{
    public override string Name => name;

    public override OpcodeFamily Family => family;

    public override bool IsMatrix => true;

    public override int Weight => 4;

    internal override int Columns(StreamProgram program, in Instruction i) => (int)program.Weights[i.Weight].AllRows;

    internal override void Touch(in Instruction i, List<Access> accesses)
    {
        accesses.Add(Access.Whole(i.Input));
        if (adds)
        {
            accesses.Add(Access.Rectangle(i.Output, false, i));
        }

        accesses.Add(Access.Rectangle(i.Output, true, i));
    }

    /// <summary>Multiply-adds.</summary>
    public override double UnitsPerRow(StreamProgram program, in Instruction i) => i.MultiplyAdds;

    public override KernelTime Nominal(KernelKey key) => new(1 / 40e9, 1 / 60e9);

    public override string Describe(InstructionNames names, in Instruction i)
    {
        string second = i.Weight2 < 0 ? "" : $", {names.ShortWeight(i.Weight2)}";
        return $"{Name} {names.Weight(i.Weight)}{second} {InstructionNames.MatrixRows(i)} ← {names.Buffer(i.Input)} → {names.Buffer(i.Output)}{(adds ? " (added)" : "")}";
    }

    public override string Label(InstructionNames names, in Instruction i) => names.ShortWeight(i.Weight);

    public override string PhaseKind(InstructionNames names, in Instruction i) => names.IsOutput(i.Output) ? names.Buffer(i.Output) : names.ShortWeight(i.Weight);
}
