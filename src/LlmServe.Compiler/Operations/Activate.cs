using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = act(Input).</summary>
internal sealed record Activate(GraphValue Input, ActivationDetail Activation, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Alike(Input, Output);
        check.Require(!Activation.IsOfTwo, $"{Activation.Kind} is a function of a gate and another number");
    }

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => 1;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Activate) { Detail = Activation }, Output, 1) { Inputs = [Input], IsInPlace = true });

    /// <summary>The opcode of <see cref="Activate"/>.</summary>
    internal sealed class Code() : ElementOpcode("Activate", "act");
}

/// <content>Output columns = act(input columns).</content>
public static partial class Opcodes
{
    /// <summary>Output columns = act(input columns).</summary>
    public static Opcode Activate { get; } = new Activate.Code();
}
