using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = act(Input) · Up.</summary>
internal sealed record Gate(GraphValue Input, GraphValue Up, ActivationDetail Activation, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input, Up];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    public override Operation Over(Func<GraphValue, GraphValue> replace) =>
        this with { Input = replace(Input), Up = replace(Up), Output = replace(Output) };

    public override void Check(ShapeCheck check) => check.Alike(Input, Up, Output);

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => 1;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Gate) { Detail = Activation }, Output, 1) { Inputs = [Input, Up], IsInPlace = true });

    /// <summary>The opcode of <see cref="Gate"/>.</summary>
    internal sealed class Code() : ElementOpcode("Gate", "gate", inputs: 2);
}

/// <content>Output columns = act(gate columns) · up columns.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = act(gate columns) · up columns.</summary>
    public static Opcode Gate { get; } = new Gate.Code();
}
