using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = Input + Vector, the same for every row: a bias.</summary>
internal sealed record AddVector(GraphValue Input, Weight Vector, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override IReadOnlyList<Weight> Weights => [Vector];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Alike(Input, Output);
        check.Shape(Vector, 1, Input.Columns);
    }

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => 1;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.AddVector) { Weight = Vector.Id }, Output, 1) { Inputs = [Input], IsInPlace = true });

    /// <summary>The opcode of <see cref="AddVector"/>.</summary>
    internal sealed class Code() : ElementOpcode("AddVector", "bias");
}

/// <content>Output columns = input columns + a vector's.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = input columns + a vector's.</summary>
    public static Opcode AddVector { get; } = new AddVector.Code();
}
