using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Output = Input · Factor.</summary>
internal sealed record Scale(GraphValue Input, float Factor, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check) => check.Alike(Input, Output);

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => 1;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Scale) { Constant = Factor }, Output, 1) { Inputs = [Input], IsInPlace = true });

    /// <summary>The opcode of <see cref="Scale"/>.</summary>
    internal sealed class Code() : ElementOpcode("Scale", "scale");
}

/// <content>Output columns = input columns · a factor.</content>
public static partial class Opcodes
{
    /// <summary>Output columns = input columns · a factor.</summary>
    public static Opcode Scale { get; } = new Scale.Code();
}
