using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = the token's row of the table.</summary>
internal sealed record Embed(Weight Table, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override IReadOnlyList<Weight> Weights => [Table];
    public override bool WritesForms => false;

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Columns(Output, Table.Columns);
        check.Require(Output.Rows == RowSet.All, "the output has every row");
    }

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Embed) { Weight = Table.Id }, Output, Output.Columns) { IsRepeatable = false, Name = "embed" });

    /// <summary>The opcode of <see cref="Embed"/>.</summary>
    internal sealed class Code() : ElementOpcode("Embed", "embed")
    {
        public override OpcodeFamily Family => OpcodeFamily.Embedding;

        public override int Weight => 9;

        public override double UnitsPerRow(StreamProgram program, in Instruction i) => 1;

        public override KernelTime Nominal(KernelKey key) => new(key.Columns * 0.5e-9, key.Columns * 0.5e-9);
    }
}

/// <content>Output rows = rows of the embedding table.</content>
public static partial class Opcodes
{
    /// <summary>Output rows = rows of the embedding table.</summary>
    public static Opcode Embed { get; } = new Embed.Code();
}
