using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = Residual + Matrix · Input, where the residual stands, which nobody reads afterwards.</summary>
internal sealed record LinearAdd(GraphValue Input, Weight Matrix, GraphValue Residual, GraphValue Product, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input, Residual];
    public override IReadOnlyList<GraphValue> Outputs => [Product, Output];
    public override IReadOnlyList<Weight> Weights => [Matrix];
    public override bool WritesForms => false;

    public override Operation Over(Func<GraphValue, GraphValue> replace) =>
        this with { Input = replace(Input), Residual = replace(Residual), Product = replace(Product), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Shape(Matrix, Output.Columns, Input.Columns);
        check.Alike(Output, Residual, Product);
        check.Require(Input.Rows == Output.Rows, $"{Output.Name} has other rows than {Input.Name}");
    }

    public override ActivationForms FormsOf(GraphValue input, ITarget target, int rows) =>
        input.Id == Residual.Id ? ActivationForms.Real : target.FormFor(Matrix, rows);

    public override void Lower(ProgramBuilder program)
    {
        if (program.IsPrivate(Residual))
        {
            // Every lane has the residual for itself, and none could add another's part of the product to it.
            new Linear(Input, Matrix, Product).Lower(program);
            new Add(Residual, Product, Output).Lower(program);
            return;
        }

        program.Add(Opcodes.MatMulAdd, Input, [new MatrixPart(Matrix, Output) { Residual = Residual }], Linear.NameOf(Matrix, Output, program));
    }
}

/// <content>Output columns += matrix rows · input.</content>
public static partial class Opcodes
{
    /// <summary>Output columns += matrix rows · input.</summary>
    public static Opcode MatMulAdd { get; } = new MatrixOpcode("MatMulAdd", OpcodeFamily.Residual, adds: true);
}
