using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = the rows of the input that are selected.</summary>
internal sealed record SelectRows(GraphValue Input, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Columns(Output, Input.Columns);
        check.Require(!Input.Rows.Selected && Output.Rows.Selected && Output.Rows.Copies == Input.Rows.Copies, $"{Output.Name} is not the selected rows of {Input.Name}");
    }

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Copy), Output, Output.Columns) { Inputs = [Input] });
}
