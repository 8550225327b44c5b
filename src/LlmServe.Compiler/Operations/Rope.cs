using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Rotates heads by their row's position.</summary>
internal sealed record Rope(GraphValue Input, GraphValue Table, RopeLayout Layout, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input, Table];
    public override IReadOnlyList<GraphValue> Outputs => [Output];

    // Rotation happens where the numbers stand.
    public override bool WritesForms => false;

    public override Operation Over(Func<GraphValue, GraphValue> replace) =>
        this with { Input = replace(Input), Table = replace(Table), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Alike(Input, Output);
        check.Require(Input.Columns % Layout.HeadSize == 0, $"{Input.Name} is not a number of heads of {Layout.HeadSize}");
        check.Require(Layout.First + Table.Columns <= Layout.HeadSize, $"{Table.Name} has more pairs than a head of {Layout.HeadSize} from element {Layout.First}");
    }

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => input.Id == Input.Id && Input.Id != Table.Id ? Group(target) : 0;

    public override void Lower(ProgramBuilder program) =>
        program.Add(new RowStep(new Instruction(Opcodes.Rotate) { Detail = Layout }, Output, Group(program.Target))
        {
            Inputs = [Input], Beside = [Table], IsInPlace = true,
        });

    /// <summary>Pairs of neighbours can be rotated in any part of a head, in runs that vectors like; halves need the whole head.</summary>
    private int Group(ITarget target) => Layout.Pairing == RopePairing.Adjacent && Layout.HeadSize % target.TileRows == 0 ? target.TileRows : Layout.HeadSize;

    /// <summary>The opcode of <see cref="Rope"/>.</summary>
    internal sealed class Code() : ElementOpcode("Rotate", "rotate")
    {
        public override string Describe(InstructionNames names, in Instruction i) =>
            $"Rotate {names.Buffer(i.Input)} columns {i.Begin}..{i.End}{names.Share(i)} by {names.Buffer(i.Input2)}";
    }
}

/// <content>Rotates columns in place.</content>
public static partial class Opcodes
{
    /// <summary>Rotates columns in place.</summary>
    public static Opcode Rotate { get; } = new Rope.Code();
}
