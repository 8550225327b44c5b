using LlmServe.Compiler.Cost;

namespace LlmServe.Compiler.Programs;

/// <summary>An opcode over rows: reads columns of its inputs and writes the same columns of its output.</summary>
/// <param name="name">Its name.</param>
/// <param name="label">One or two words for drawings.</param>
/// <param name="inputs">How many of its inputs it reads at the columns that it writes; of the others it reads whole rows.</param>
internal class ElementOpcode(string name, string label, int inputs = 1) : Opcode
{
    public override string Name => name;

    internal override void Touch(in Instruction i, List<Access> accesses)
    {
        foreach (var (buffer, index) in (ReadOnlySpan<(int, int)>)[(i.Input, 0), (i.Input2, 1), (i.Input3, 2)])
        {
            if (buffer >= 0)
            {
                accesses.Add(index < inputs ? Access.Read(buffer, i) : Access.Rows(buffer, false, i));
            }
        }

        accesses.Add(Access.Rectangle(i.Output, true, i));
    }

    /// <summary>Columns.</summary>
    public override double UnitsPerRow(StreamProgram program, in Instruction i) => i.End - i.Begin;

    public override KernelTime Nominal(KernelKey key) => new(0.5e-9, 0.5e-9);

    public override string Describe(InstructionNames names, in Instruction i)
    {
        string weight = i.Weight < 0 ? "" : $" {names.Weight(i.Weight)}";
        string constant = i.Constant == 0 ? "" : System.FormattableString.Invariant($" {i.Constant:R}");
        string others = i.Input2 < 0 ? "" : $", {names.Buffer(i.Input2)}" + (i.Input3 < 0 ? "" : $", {names.Buffer(i.Input3)}");
        string source = i.Input < 0 ? "" : $" ← {names.Buffer(i.Input)}{others}";
        return $"{Name}{weight}{constant} of {names.Part(i)}{source} → {names.Buffer(i.Output)}";
    }

    public override string Label(InstructionNames names, in Instruction i) => label;
}
