namespace LlmServe.Execution;

/// <summary>
/// A compiled model on a backend: the engine's only view of the machine below. It runs ticks, has the memory of the sequences in them, and knows what
/// ticks cost.
/// </summary>
public interface IProgramExecutor : ITickRunner, IDisposable
{
    /// <summary>The model's shape and the program's modes.</summary>
    ModelInfo Model { get; }

    /// <summary>Name of the backend and the path taken, for people: "cpu avx2, 2 lanes".</summary>
    string Backend { get; }

    /// <summary>What ticks read and write of the sequences' past.</summary>
    ISequenceMemory Memory { get; }

    /// <summary>How long ticks take.</summary>
    ITickCosts Costs { get; }
}
