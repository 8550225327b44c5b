using LlmServe.Execution;

namespace LlmServe.Cli.Models;

/// <summary>Receives a logits row. The span is valid during the call.</summary>
/// <param name="position">Position in the sequence.</param>
/// <param name="logits">[vocabulary]</param>
internal delegate void LogitsReceiver(int position, ReadOnlySpan<float> logits);

/// <summary>Runs one sequence on an executor without an engine: what measuring and comparing need.</summary>
internal sealed class SequenceRunner
{
    private readonly IProgramExecutor _executor;

    /// <summary>Gives the whole KV memory to slot 0.</summary>
    public SequenceRunner(IProgramExecutor executor)
    {
        _executor = executor;
        var table = executor.Rows.BlockTable(0);
        Capacity = Math.Min(executor.Model.ContextLength, Math.Min(table.Length, executor.Memory.KvGroups[0].Blocks) * KvBlock.Positions);
        for (int i = 0; i < KvBlock.CountFor(Capacity); i++)
        {
            table[i] = i;
        }
    }

    /// <summary>Most positions.</summary>
    public int Capacity { get; }

    /// <summary>Runs tokens at positions <paramref name="start"/>, <paramref name="start"/> + 1, …, overwriting what was there.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="start">Position of the first.</param>
    /// <param name="chunk">Most rows of a tick.</param>
    /// <param name="receiver">Gets the logits of every position; null: only the last position's are computed, and nobody reads them.</param>
    /// <param name="cancellation">Asked between ticks.</param>
    public void Run(ReadOnlySpan<int> ids, int start, int chunk, LogitsReceiver? receiver, CancellationToken cancellation)
    {
        var rows = _executor.Rows;
        for (int done = 0; done < ids.Length;)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(Math.Min(chunk, rows.Capacity), ids.Length - done);
            rows.Clear();
            for (int i = 0; i < count; i++)
            {
                rows.Add(0, start + done + i, ids[done + i], receiver is not null || done + i == ids.Length - 1);
            }

            _executor.RunTick();
            for (int i = 0; receiver is not null && i < count; i++)
            {
                receiver(start + done + i, _executor.Logits(i));
            }

            done += count;
        }
    }
}
