using LlmServe.Compiler.Cost;

namespace LlmServe.Compiler.Programs;

/// <summary>
/// What an instruction does; each is one kernel entry point of a backend. An opcode is defined in the file of the operation that becomes it, as a property
/// of <see cref="Operations.Opcodes"/>; it says what its instructions touch, what they cost and how they are called.
/// </summary>
public abstract class Opcode
{
    /// <summary>Its name in listings and in machine profiles.</summary>
    public abstract string Name { get; }

    /// <summary>What a drawing calls it and how it is coloured.</summary>
    public virtual OpcodeFamily Family => OpcodeFamily.Row;

    /// <summary>How the instructions of a step divide its work.</summary>
    public virtual Division Division => Division.Rectangles;

    /// <summary>Whether work is counted in multiply-adds with a weight.</summary>
    public virtual bool IsMatrix => false;

    /// <summary>The opcode that completes its output where there are several lanes; null: nothing is left to do.</summary>
    public virtual Opcode? CompletedBy => null;

    /// <summary>Adds everything that an instruction touches in buffers.</summary>
    internal abstract void Touch(in Instruction i, List<Access> accesses);

    /// <summary>Columns that the instructions of a step cover together.</summary>
    internal virtual int Columns(StreamProgram program, in Instruction i) => program.Buffers[i.Output].Columns;

    /// <summary>Units of work for a row: multiply-adds of a matrix, heads of attention, else 1 for what handles whole rows.</summary>
    public virtual double UnitsPerRow(StreamProgram program, in Instruction i) => 1;

    /// <summary>What an instruction adds to its lane's time.</summary>
    internal virtual LaneCost Cost(in CostContext context, in Instruction i) => LaneCost.OfRectangle(context, i);

    /// <summary>A plausible figure for a kernel that nobody measured.</summary>
    public virtual KernelTime Nominal(KernelKey key) => new(key.Columns * 0.5e-9, key.Columns * 0.5e-9);

    /// <summary>
    /// The instruction whose time is measured for this one's: the same over operands that stand for themselves, for opcodes that need more than numbers.
    /// </summary>
    public virtual Instruction Representative(in Instruction i) => i;

    /// <summary>What an instruction does, with what: <c>MatMul blk.0.attn_q rows 0..288 ← attn_norm → q</c>.</summary>
    public abstract string Describe(InstructionNames names, in Instruction i);

    /// <summary>One or two words for a drawing: <c>attn_q</c>, <c>norm</c>.</summary>
    public abstract string Label(InstructionNames names, in Instruction i);

    /// <summary>How much an instruction says about its phase: the phase is called by the one that says most.</summary>
    public virtual int Weight => 1;

    /// <summary>The kind of phase that an instruction makes, for tables of times.</summary>
    public virtual string PhaseKind(InstructionNames names, in Instruction i) => Label(names, i);

    /// <inheritdoc/>
    public sealed override string ToString() => Name;
}
