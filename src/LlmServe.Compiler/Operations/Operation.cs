using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;

namespace LlmServe.Compiler.Operations;

/// <summary>
/// A step of the model: what it reads and writes, the rule that its shapes keep, and how it runs. Operations are immutable; passes replace them. Each has a
/// file of its own, with the opcodes that it becomes.
/// </summary>
internal abstract record Operation
{
    /// <summary>Values read.</summary>
    public abstract IReadOnlyList<GraphValue> Inputs { get; }

    /// <summary>Values written.</summary>
    public abstract IReadOnlyList<GraphValue> Outputs { get; }

    /// <summary>Weights read.</summary>
    public virtual IReadOnlyList<Weight> Weights => [];

    /// <summary>Caches read or written.</summary>
    public virtual IReadOnlyList<LayerCache> Caches => [];

    /// <summary>Whether outputs are written in any form; otherwise as f32 alone, and a <see cref="Convert"/> follows where another form is wanted.</summary>
    public virtual bool WritesForms => true;

    /// <summary>The same operation over other values.</summary>
    public abstract Operation Over(Func<GraphValue, GraphValue> replace);

    /// <summary>Demands what the shapes of operands must keep.</summary>
    public abstract void Check(ShapeCheck check);

    /// <summary>The forms in which an input is read in a tick of up to <paramref name="rows"/> rows.</summary>
    public virtual ActivationForms FormsOf(GraphValue input, ITarget target, int rows) => ActivationForms.Real;

    /// <summary>
    /// Groups of columns of the output that depend on the same columns of the input alone, so that a lane which has computed such groups of the input goes on
    /// with them; 0: an output column depends on whatever columns.
    /// </summary>
    public virtual int GroupOf(GraphValue input, ITarget target, KvElement kv) => 0;

    /// <summary>Writes the operation's instructions.</summary>
    public abstract void Lower(ProgramBuilder program);
}
