using System.Diagnostics;
using LlmServe.Cli.App;
using LlmServe.Execution;

namespace LlmServe.Cli.Bench;

/// <summary>
/// Times ticks of an executor, without engine or server. Every slot owns KV blocks of its own; what was computed before at a position is overwritten
/// with the same, so measurements can be repeated in any order.
/// </summary>
internal sealed class TickDriver
{
    private const int TokenStride = 7919;

    private readonly IProgramExecutor _executor;

    /// <summary>Gives slot 0 blocks for <paramref name="positions"/> positions, and the other slots for <paramref name="streamPositions"/>.</summary>
    /// <exception cref="CliException">The KV memory does not hold them.</exception>
    public TickDriver(IProgramExecutor executor, int positions, int sequences, int streamPositions)
    {
        _executor = executor;
        int next = 0;
        for (int slot = 0; slot < sequences; slot++)
        {
            int count = KvBlock.CountFor(slot == 0 ? Math.Max(positions, streamPositions) : streamPositions);
            var table = executor.Rows.BlockTable(slot);
            if (next + count > executor.Memory.KvGroups[0].Blocks || count > table.Length)
            {
                throw new CliException(
                    $"the KV memory has {executor.Memory.KvGroups[0].Blocks} blocks of {KvBlock.Positions} positions, too few for {sequences} streams; ask for fewer --streams or less --generate");
            }

            for (int i = 0; i < count; i++)
            {
                table[i] = next++;
            }
        }
    }

    /// <summary>Runs a prompt at positions from 0 on, in ticks as large as the executor takes.</summary>
    /// <param name="tokens">Length.</param>
    /// <param name="allLogits">Whether every row wants logits, or only the last.</param>
    /// <returns>Seconds.</returns>
    public double Prefill(int tokens, bool allLogits)
    {
        long start = Stopwatch.GetTimestamp();
        foreach (var (first, count) in Chunks(tokens))
        {
            Tick(first, count, allLogits, last: first + count == tokens);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds that the cost model expects of <see cref="Prefill"/> with the last row's logits.</summary>
    public double PredictPrefill(int tokens) => Chunks(tokens).Sum(chunk =>
        _executor.Costs.Seconds(chunk.Count, chunk.First + chunk.Count == tokens ? 1 : 0, chunk.First + (chunk.Count / 2)));

    /// <summary>One tick of <paramref name="rows"/> rows of one sequence from position 0 on, logits on the last.</summary>
    /// <returns>Seconds.</returns>
    public double Bucket(int rows)
    {
        long start = Stopwatch.GetTimestamp();
        Tick(0, rows, allLogits: false, last: true);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Decodes one token of one sequence.</summary>
    /// <returns>Seconds.</returns>
    public double Decode(int position)
    {
        long start = Stopwatch.GetTimestamp();
        Tick(position, 1, allLogits: true, last: true);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Decodes one token of each of the first <paramref name="streams"/> slots.</summary>
    /// <returns>Seconds.</returns>
    public double DecodeTogether(int position, int streams)
    {
        long start = Stopwatch.GetTimestamp();
        var rows = _executor.Rows;
        for (int slot = 0; slot < streams;)
        {
            rows.Clear();
            for (int end = Math.Min(streams, slot + rows.Capacity); slot < end; slot++)
            {
                rows.Add(slot, position, TokenAt(position + slot), select: true);
            }

            _executor.RunTick();
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private void Tick(int first, int count, bool allLogits, bool last)
    {
        var rows = _executor.Rows;
        rows.Clear();
        for (int i = 0; i < count; i++)
        {
            rows.Add(0, first + i, TokenAt(first + i), allLogits || (last && i == count - 1));
        }

        _executor.RunTick();
    }

    private IEnumerable<(int First, int Count)> Chunks(int tokens)
    {
        for (int first = 0; first < tokens; first += _executor.Rows.Capacity)
        {
            yield return (first, Math.Min(_executor.Rows.Capacity, tokens - first));
        }
    }

    /// <summary>Ids that spread over the vocabulary. What they say has no influence on the time.</summary>
    private int TokenAt(int position) => (int)((position + 1) * (long)TokenStride % _executor.Model.VocabularySize);
}
