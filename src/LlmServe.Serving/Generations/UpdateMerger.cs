using System.Threading.Channels;
using LlmServe.Engine;

namespace LlmServe.Serving;

/// <summary>
/// Makes one update of all that wait where a client is behind, so that it is sent less often and not more. A few that wait are no sign of that: they go
/// one by one, since a client that keeps up shall see the answer token by token.
/// </summary>
internal static class UpdateMerger
{
    /// <summary>Most updates that wait for a client that keeps up.</summary>
    private const int Few = 32;

    /// <summary>What comes next; null: nothing does yet.</summary>
    /// <param name="updates">What waits.</param>
    public static GenerationUpdate? Read(ChannelReader<GenerationUpdate> updates)
    {
        bool merges = updates.Count > Few;
        if (!updates.TryRead(out var first) || !merges || first.FinishReason != FinishReason.None || !updates.TryRead(out var second))
        {
            return first;
        }

        var all = new List<GenerationUpdate> { first, second };
        while (all[^1].FinishReason == FinishReason.None && updates.TryRead(out var next))
        {
            all.Add(next);
        }

        return Merge(all);
    }

    private static GenerationUpdate Merge(List<GenerationUpdate> updates)
    {
        var tokens = new List<int>();
        var probabilities = updates[0].LogProbabilities is null && updates[^1].LogProbabilities is null ? null : new List<TokenLogProbability>();
        foreach (var update in updates)
        {
            tokens.AddRange(update.Tokens);
            probabilities?.AddRange(update.LogProbabilities ?? []);
        }

        return updates[^1] with { Text = string.Concat(updates.Select(update => update.Text)), Tokens = tokens, LogProbabilities = probabilities };
    }
}
