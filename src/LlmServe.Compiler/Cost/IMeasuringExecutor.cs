using LlmServe.Execution;

namespace LlmServe.Compiler.Cost;

/// <summary>An executor that can say when every instruction of a tick ran, and what its predictions rest on.</summary>
public interface IMeasuringExecutor : IProgramExecutor
{
    /// <summary>The programs that it plays.</summary>
    CompiledModel Compiled { get; }

    /// <summary>The profile behind <see cref="IProgramExecutor.Costs"/>: a nominal one until <see cref="ITickCosts.Measure"/>.</summary>
    MachineProfile Profile { get; }

    /// <summary>Does what <see cref="ITickRunner.RunTick"/> does, and takes the time after every instruction of every lane. Allocates.</summary>
    /// <exception cref="InvalidOperationException">The row table is empty.</exception>
    Timeline MeasureTick();
}
