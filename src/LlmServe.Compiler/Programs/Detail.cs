namespace LlmServe.Compiler.Programs;

/// <summary>Constants of an instruction that its opcode alone knows.</summary>
public abstract record Detail
{
    /// <summary>What of them the time of a unit of work depends on.</summary>
    public virtual object? ForCost() => this;
}
