using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>The input in other forms: 8-bit blocks, for a matrix, of what was written as f32 alone.</summary>
internal sealed record Convert(GraphValue Input, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check) => check.Alike(Input, Output);

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => 1;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Copy), Output, 1) { Inputs = [Input] });

    /// <summary>The opcode of <see cref="Convert"/> and <see cref="SelectRows"/>.</summary>
    internal sealed class Code() : ElementOpcode("Copy", "copy");
}

/// <content>Output columns = input columns, in the forms of the output.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = input columns, in the forms of the output.</summary>
    public static Opcode Copy { get; } = new Convert.Code();
}
