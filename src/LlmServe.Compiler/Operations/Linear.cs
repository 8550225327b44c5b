using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = Matrix · Input.</summary>
internal sealed record Linear(GraphValue Input, Weight Matrix, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override IReadOnlyList<Weight> Weights => [Matrix];
    public override bool WritesForms => false;

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Shape(Matrix, Output.Columns, Input.Columns);
        check.Require(Input.Rows == Output.Rows, $"{Output.Name} has other rows than {Input.Name}");
    }

    public override ActivationForms FormsOf(GraphValue input, ITarget target, int rows) => target.FormFor(Matrix, rows);

    public override void Lower(ProgramBuilder program) =>
        program.Add(Opcodes.MatMul, Input, [new MatrixPart(Matrix, Output)], NameOf(Matrix, Output, program));

    /// <summary>What a phase is called that multiplies by a matrix: an output by its own name.</summary>
    public static string NameOf(Weight matrix, GraphValue output, ProgramBuilder program) =>
        program.IsOutput(output) ? output.Name : matrix.Name.Replace(".weight", "", StringComparison.Ordinal);
}

/// <content>Output columns = matrix rows · input.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = matrix rows · input.</summary>
    public static Opcode MatMul { get; } = new MatrixOpcode("MatMul", OpcodeFamily.Matrix);
}
