using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Several <see cref="Linear"/> of one input, cut over the lanes together: small matrices share a phase evenly.</summary>
internal sealed record JointLinear(GraphValue Input, IReadOnlyList<Weight> Matrices, IReadOnlyList<GraphValue> Products) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => Products;
    public override IReadOnlyList<Weight> Weights => Matrices;
    public override bool WritesForms => false;

    public override Operation Over(Func<GraphValue, GraphValue> replace) =>
        this with { Input = replace(Input), Products = [.. Products.Select(replace)] };

    public override void Check(ShapeCheck check)
    {
        check.Require(Matrices.Count == Products.Count, "a product belongs to each matrix");
        for (int i = 0; i < Matrices.Count; i++)
        {
            check.Shape(Matrices[i], Products[i].Columns, Input.Columns);
            check.Require(Input.Rows == Products[i].Rows, $"{Products[i].Name} has other rows than {Input.Name}");
        }
    }

    public override ActivationForms FormsOf(GraphValue input, ITarget target, int rows) =>
        Matrices.Aggregate(ActivationForms.None, (forms, matrix) => forms | target.FormFor(matrix, rows));

    public override void Lower(ProgramBuilder program) =>
        program.Add(Opcodes.MatMul, Input, [.. Matrices.Zip(Products, (m, p) => new MatrixPart(m, p))], Products[0].Name);
}
