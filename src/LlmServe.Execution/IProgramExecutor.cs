namespace LlmServe.Execution;

/// <summary>
/// A compiled model on a backend, with its KV memory: the engine's only view of the machine below.
/// Not thread-safe: one engine thread fills <see cref="Rows"/> and runs ticks.
/// </summary>
public interface IProgramExecutor : IDisposable
{
    /// <summary>The model's shape and the program's modes.</summary>
    ModelInfo Model { get; }

    /// <summary>Name of the backend and the path taken, for people: "cpu avx2, 2 lanes".</summary>
    string Backend { get; }

    /// <summary>KV blocks of 32 positions that exist; block ids are 0 … KvBlockCount − 1.</summary>
    int KvBlockCount { get; }

    /// <summary>Bytes of one KV block (all layers).</summary>
    long KvBlockBytes { get; }

    /// <summary>The table that the next <see cref="RunTick"/> reads.</summary>
    RowTable Rows { get; }

    /// <summary>Runs every row of <see cref="Rows"/>: writes its keys and values, and computes the logits that are wanted. Allocates nothing.</summary>
    void RunTick();

    /// <summary>Logits row <paramref name="index"/> of the last tick. [vocabulary] Valid until the next tick.</summary>
    ReadOnlySpan<float> Logits(int index);

    /// <summary>
    /// Predicted time of a tick with this many rows, in seconds, at a context of <paramref name="context"/> positions per row. The first call may
    /// measure the machine and must not be made while a tick runs; after it any thread may ask at any time.
    /// </summary>
    double PredictTick(int rows, int logitsRows, int context);
}
