namespace LlmServe.Execution;

/// <summary>Runs ticks. Not thread-safe: one thread fills <see cref="Rows"/>, runs ticks and reads their outputs.</summary>
public interface ITickRunner
{
    /// <summary>What the next tick computes.</summary>
    RowTable Rows { get; }

    /// <summary>What ticks give: the model's compiled outputs, in the order in which the compiler was asked for them.</summary>
    IReadOnlyList<ITickOutput> Outputs { get; }

    /// <summary>What ticks take beside tokens: values of the layer before the program's first one; empty where a program begins with tokens.</summary>
    IReadOnlyList<ITickInput> Inputs { get; }

    /// <summary>
    /// Starts a tick over every row of <see cref="Rows"/>, which must not change until <see cref="EndTick"/> has returned. Allocates nothing. A backend may
    /// leave work of the calling thread to <see cref="EndTick"/>.
    /// </summary>
    void BeginTick();

    /// <summary>Returns when the tick is over: keys and values are written, outputs can be read. Allocates nothing.</summary>
    void EndTick();

    /// <summary>Begins and ends a tick. Without rows nothing happens.</summary>
    void RunTick()
    {
        BeginTick();
        EndTick();
    }

    /// <summary>The logits of a selected row of the last tick. [vocabulary] Valid until the next tick begins.</summary>
    /// <param name="index">What <see cref="RowTable.Add"/> returned.</param>
    /// <exception cref="ArgumentOutOfRangeException">So many rows were not selected.</exception>
    /// <exception cref="InvalidOperationException">The program has no logits.</exception>
    ReadOnlySpan<float> Logits(int index);
}
