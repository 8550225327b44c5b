using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Attention of queries over what a cache keeps.</summary>
/// <param name="Query">[query heads · key size]</param>
/// <param name="Cache">Keys and values, those of the tick's own rows included.</param>
/// <param name="Shape">What it computes.</param>
/// <param name="Sinks">A score of each head that has no value; null: none.</param>
/// <param name="Output">[query heads · value size]</param>
internal sealed record Attend(GraphValue Query, LayerCache Cache, AttentionShape Shape, Weight? Sinks, GraphValue Output) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Query];
    public override IReadOnlyList<GraphValue> Outputs => [Output];
    public override IReadOnlyList<Weight> Weights => Sinks is null ? [] : [Sinks];
    public override IReadOnlyList<LayerCache> Caches => [Cache];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Query = replace(Query), Output = replace(Output) };

    public override void Check(ShapeCheck check)
    {
        check.Columns(Query, (long)Shape.QueryHeads * Shape.KeySize);
        check.Columns(Output, (long)Shape.QueryHeads * Shape.ValueSize);
        check.Require(Query.Rows == RowSet.All && Output.Rows == RowSet.All, "every row attends");
        check.Require(Shape.QueryHeads % Shape.KeyHeads == 0, $"{Shape.QueryHeads} query heads are not a multiple of {Shape.KeyHeads} key heads");
        check.Require(
            (Cache.KeyHeads, Cache.KeySize, Cache.ValueSize, Cache.ValuesInKeys) == (Shape.KeyHeads, Shape.KeySize, Shape.ValueSize, Shape.ValuesInKeys),
            $"{Cache.Name} keeps heads of another shape");
        check.Require(Shape.HasSinks == Sinks is not null, "sinks belong to the shape");
        if (Sinks is not null)
        {
            check.Shape(Sinks, 1, Shape.QueryHeads);
        }
    }

    public override void Lower(ProgramBuilder program)
    {
        int parts = program.AddParts(Output.Name + ".parts", program.Target.AttentionParts(Shape, program.Rows, program.Context));
        var template = new Instruction(Opcodes.Attention) { Detail = Shape, Weight3 = Sinks?.Id ?? -1, Parts = parts };
        program.AddUnits(template, [Query], Output, Output.Name, Cache);
        if (program.Lanes > 1)
        {
            program.AddUnits(template with { Opcode = Opcodes.JoinAttention }, [], Output, Output.Name + " join", Cache);
        }
    }

    /// <summary>Attention over the cache; what the cut between lanes divides goes to the parts.</summary>
    internal sealed class Code() : Opcode
    {
        public override string Name => "Attention";

        public override OpcodeFamily Family => OpcodeFamily.Attention;

        public override Division Division => Division.Units;

        public override Opcode? CompletedBy => Opcodes.JoinAttention;

        public override int Weight => 8;

        internal override void Touch(in Instruction i, List<Access> accesses)
        {
            accesses.Add(Access.Whole(i.Input));
            accesses.Add(Access.Whole(i.Input2));
            accesses.Add(Access.Units(i.Parts, true, i));
            accesses.Add(Access.Units(i.Output, true, i));
        }

        /// <summary>Query heads.</summary>
        public override double UnitsPerRow(StreamProgram program, in Instruction i) => ((AttentionShape)i.Detail!).QueryHeads;

        internal override LaneCost Cost(in CostContext context, in Instruction i)
        {
            var shape = (AttentionShape)i.Detail!;
            double bytesPerHeadPosition = (double)shape.CacheRowBytes(context.Kv) / shape.QueryHeads;
            return default(LaneCost) with
            {
                // A single row reads the cache of its sequence as it goes, and waits for it.
                Attention = new AttentionCost(
                    shape.QueryHeads, shape.MostPositions, context.Time.First, context.Time.PerPosition + (bytesPerHeadPosition * context.SecondsPerByte),
                    context.Time.Next, context.Time.NextPerPosition),
            };
        }

        /// <summary>Over all positions, however far a row sees.</summary>
        public override Instruction Representative(in Instruction i) =>
            i with { Detail = ((AttentionShape)i.Detail!) with { Visibility = KvVisibility.All } };

        public override KernelTime Nominal(KernelKey key) => new(200e-9, 200e-9, 15e-9, 8e-9);

        public override string Describe(InstructionNames names, in Instruction i) =>
            $"Attention {names.Buffer(i.Input)} over {names.Buffer(i.Input2)}, {names.Part(i)} → {names.Buffer(i.Output)}";

        public override string Label(InstructionNames names, in Instruction i) => "attention";
    }

    /// <summary>Joins the parts into the rest of attention's output.</summary>
    internal sealed class JoinCode() : Opcode
    {
        public override string Name => "JoinAttention";

        public override OpcodeFamily Family => OpcodeFamily.Attention;

        public override Division Division => Division.Units;

        public override int Weight => 7;

        // A lane goes on with what it joined so far, in its own part.
        internal override void Touch(in Instruction i, List<Access> accesses)
        {
            accesses.Add(Access.Whole(i.Parts));
            accesses.Add(Access.Whole(i.Input));
            accesses.Add(Access.Units(i.Output, true, i));
        }

        internal override LaneCost Cost(in CostContext context, in Instruction i) => default(LaneCost) with { PerShareRow = context.Time.Next };

        public override string Describe(InstructionNames names, in Instruction i) => $"JoinAttention what was cut, {names.Part(i)} → {names.Buffer(i.Output)}";

        public override string Label(InstructionNames names, in Instruction i) => "join";

        public override string PhaseKind(InstructionNames names, in Instruction i) => "attention join";
    }
}

/// <content>Attention over the cache, in the forms of the output; what the cut between lanes divides goes to the parts.</content>
public static partial class Opcodes
{
    /// <summary>Attention over the cache, in the forms of the output; what the cut between lanes divides goes to the parts.</summary>
    public static Opcode Attention { get; } = new Attend.Code();

    /// <summary>Joins the parts into the rest of attention's output.</summary>
    public static Opcode JoinAttention { get; } = new Attend.JoinCode();
}
