using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = act(Gate · Input) · (Up · Input): the two products of a column meet while they are still in a cache.</summary>
internal sealed record GatedLinear(GraphValue Input, Weight GateMatrix, Weight UpMatrix, ActivationDetail Activation, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override IReadOnlyList<Weight> Weights => [GateMatrix, UpMatrix];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Shape(GateMatrix, Output.Columns, Input.Columns);
        check.Shape(UpMatrix, Output.Columns, Input.Columns);
        check.Require(Input.Rows == Output.Rows, $"{Output.Name} has other rows than {Input.Name}");
    }

    public override ActivationForms FormsOf(GraphValue input, ITarget target, int rows) => target.FormFor(GateMatrix, rows) | target.FormFor(UpMatrix, rows);

    // Two tiles, since what is quantized next is so in blocks of 32.
    public override void Lower(ProgramBuilder program) =>
        program.Add(Opcodes.GatedMatMul, Input, [new MatrixPart(GateMatrix, Output) { Second = UpMatrix }], Output.Name, 2 * program.Target.TileRows, Activation);

    /// <summary>The opcode of <see cref="GatedLinear"/>.</summary>
    internal sealed class Code() : MatrixOpcode("GatedMatMul", OpcodeFamily.Gate)
    {
        public override int Weight => 5;

        public override string Label(InstructionNames names, in Instruction i) => "gate, up";

        public override string PhaseKind(InstructionNames names, in Instruction i) => "gate/up";
    }
}

/// <content>Output columns = act(gate rows · input) · (up rows · input), in the forms of the output.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = act(gate rows · input) · (up rows · input), in the forms of the output.</summary>
    public static Opcode GatedMatMul { get; } = new GatedLinear.Code();
}
