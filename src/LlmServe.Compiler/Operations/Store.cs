using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>Keeps keys or values of each row's position in a cache.</summary>
/// <param name="Input">[heads · size], or a part of each head.</param>
/// <param name="Cache">The layer's cache.</param>
/// <param name="Layout">Which elements of it are written.</param>
internal sealed record Store(GraphValue Input, LayerCache Cache, StoreDetail Layout) : Operation
{
    public override IReadOnlyList<GraphValue> Inputs => [Input];
    public override IReadOnlyList<GraphValue> Outputs => [];
    public override IReadOnlyList<LayerCache> Caches => [Cache];

    public override Operation Over(Func<GraphValue, GraphValue> replace) => this with { Input = replace(Input) };

    public override void Check(ShapeCheck check)
    {
        int size = Layout.AreValues ? Cache.ValueSize : Cache.KeySize;
        check.Require(!(Layout.AreValues && Cache.ValuesInKeys), $"{Cache.Name} keeps no values beside keys");
        check.Require(Layout.First + Layout.Size <= size, $"{Input.Name} is written beyond heads of {size}");
        check.Columns(Input, (long)Cache.KeyHeads * Layout.Size);
        check.Require(Input.Rows == RowSet.All, "every row is kept");
        check.Require(Layout.Size == size || Cache.KeyHeads == 1, "a part of a head is kept where there is one");
    }

    public override int GroupOf(GraphValue input, ITarget target, KvElement kv) => target.CacheGroup(kv, Layout.Size);

    public override void Lower(ProgramBuilder program)
    {
        int shift = (Layout.AreValues ? Cache.KeyColumns : 0) + Layout.First;
        program.Add(new RowStep(new Instruction(Opcodes.Store) { Shift = shift, Detail = Layout }, Input, GroupOf(Input, program.Target, program.Kv)) { Inputs = [Input], Cache = Cache, IsRepeatable = false });
    }

    /// <summary>The opcode of <see cref="Store"/>.</summary>
    internal sealed class Code() : ElementOpcode("Store", "store")
    {
        public override string PhaseKind(InstructionNames names, in Instruction i) => "qkv";

        public override int Weight => 6;

        internal override int Columns(StreamProgram program, in Instruction i) => program.Buffers[i.Input].Columns;

        internal override void Touch(in Instruction i, List<Access> accesses)
        {
            accesses.Add(Access.Rectangle(i.Input, false, i));
            accesses.Add(Access.Rectangle(i.Output, true, i, i.Shift));
        }

        public override string Describe(InstructionNames names, in Instruction i) =>
            $"Store {names.Buffer(i.Input)} columns {i.Begin}..{i.End}{names.Share(i)} → {names.Buffer(i.Output)}";

        public override string Label(InstructionNames names, in Instruction i) => ((StoreDetail)i.Detail!).AreValues ? "store v" : "store k";
    }
}

/// <content>Stores key or value columns in the cache.</content>
public static partial class Opcodes
{
    /// <summary>Stores key or value columns in the cache.</summary>
    public static Opcode Store { get; } = new Store.Code();
}
