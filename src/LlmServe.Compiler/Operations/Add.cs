using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = Left + Right.</summary>
internal sealed record Add(GraphValue Left, GraphValue Right, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Left, Right];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    public override Operation Over(Func<GraphValue, GraphValue> replace) =>
        this with { Left = replace(Left), Right = replace(Right), Output = replace(Output) };

    public override void Check(ShapeCheck check) => check.Alike(Left, Right, Output);

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => 1;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Add), Output, 1) { Inputs = [Left, Right], IsInPlace = true });

    /// <summary>The opcode of <see cref="Add"/>.</summary>
    internal sealed class Code() : ElementOpcode("Add", "add", inputs: 2);
}

/// <content>Output columns = sum of the inputs.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = sum of the inputs.</summary>
    public static Opcode Add { get; } = new Add.Code();
}
