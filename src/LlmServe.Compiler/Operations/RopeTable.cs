using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Cosines, then sines, of the angles of each row's position. [pairs, pairs]</summary>
internal sealed record RopeTable(RopeAngles Angles, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override bool WritesForms => false;

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Columns(Output, 2 * Angles.Frequencies.Count);
        check.Require(Output.Rows == RowSet.All, "the output has every row");
    }

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.RopeTable) { Detail = Angles }, Output, Output.Columns) { IsRepeatable = false });

    /// <summary>The opcode of <see cref="RopeTable"/>.</summary>
    internal sealed class Code() : ElementOpcode("RopeTable", "rope")
    {
        public override OpcodeFamily Family => OpcodeFamily.Embedding;

        public override double UnitsPerRow(StreamProgram program, in Instruction i) => 1;

        public override KernelTime Nominal(KernelKey key) => new(key.Columns * 20e-9, key.Columns * 20e-9);

        public override string Describe(InstructionNames names, in Instruction i) => $"RopeTable positions of {names.Part(i)} → {names.Buffer(i.Output)}";
    }
}

/// <content>Cosines and sines of each row's position.</content>
public static partial class Opcodes
{
    /// <summary>Cosines and sines of each row's position.</summary>
    public static Opcode RopeTable { get; } = new RopeTable.Code();
}
