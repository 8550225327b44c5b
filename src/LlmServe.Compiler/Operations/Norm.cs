using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>
/// RMSNorm or LayerNorm of each group of <paramref name="Group"/> columns. Gain and bias are for one group, or for all of a row's. The output can have the
/// selected rows only.
/// </summary>
internal sealed record Norm(NormKind Kind, GraphValue Input, Weight? Gain, Weight? Bias, int Group, float Epsilon, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override IReadOnlyList<Weight> Weights => [.. Gain is null ? (Weight[])[] : [Gain], .. Bias is null ? (Weight[])[] : [Bias]];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Columns(Output, Input.Columns);
        check.Require(Output.Rows == Input.Rows || Output.Rows == Input.Rows with { Selected = true }, $"{Output.Name} has other rows than {Input.Name}");
        check.Require(Group > 0 && Input.Columns % Group == 0, $"{Input.Name} is not a number of groups of {Group}");
        foreach (var weight in Weights)
        {
            check.Require(weight.Columns == Group || weight.Columns == Input.Columns, $"{weight.Name} has {weight.Columns} numbers for groups of {Group}");
        }
    }

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => Group < Input.Columns ? Group : 0;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(
            new Instruction(Opcodes.Norm) { Weight = Gain?.Id ?? -1, Weight2 = Bias?.Id ?? -1, Constant = Epsilon, Detail = new NormDetail(Kind, Group) }, Output, Group)
        {
            Inputs = [Input],
        });

    /// <summary>The opcode of <see cref="Norm"/>.</summary>
    internal sealed class Code() : ElementOpcode("Norm", "norm")
    {
        public override OpcodeFamily Family => OpcodeFamily.Norm;

        /// <summary>Groups.</summary>
        public override double UnitsPerRow(StreamProgram program, in Instruction i) => (double)(i.End - i.Begin) / ((NormDetail)i.Detail!).Group;

        public override KernelTime Nominal(KernelKey key)
        {
            double seconds = ((key.Constants as NormDetail)?.Group ?? key.Columns) * 0.5e-9;
            return new KernelTime(seconds, seconds);
        }

        public override string Describe(InstructionNames names, in Instruction i) =>
            $"Norm{(i.Weight < 0 ? "" : $" {names.Weight(i.Weight)}")} of {names.Part(i)} ← {names.Buffer(i.Input)} → {names.Buffer(i.Output)}";
    }
}

/// <content>A norm of rows, or of groups of columns, into the forms of the output.</content>
public static partial class Opcodes
{
    /// <summary>A norm of rows, or of groups of columns, into the forms of the output.</summary>
    public static Opcode Norm { get; } = new Norm.Code();
}
