using LlmServe.Client;

namespace LlmServe.Cli.LoadTest;

/// <summary>What asking again, one request at a time, has shown.</summary>
/// <param name="Checked">Answers asked for again.</param>
/// <param name="Finished">Answers that were finished under load.</param>
/// <param name="Different">Those that came out differently, each with the place of the first difference; at most a few are named.</param>
/// <param name="DifferentCount">How many.</param>
internal sealed record CheckResult(int Checked, long Finished, IReadOnlyList<string> Different, int DifferentCount);

/// <summary>Asks for answers that were given under load again, one at a time, and compares token ids.</summary>
internal static class AnswerCheck
{
    private const int MostNamed = 5;

    /// <summary>Asks <paramref name="client"/>'s server, which has nothing else to do.</summary>
    /// <param name="client">The server.</param>
    /// <param name="factory">Makes the same requests again.</param>
    /// <param name="answers">What was answered under load.</param>
    /// <param name="progress">Told the number of compared answers.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<CheckResult> RunAsync(
        LlmServeClient client, RequestFactory factory, AnswerStore answers, Action<long> progress, CancellationToken cancellation)
    {
        var kept = answers.Kept;
        var different = new List<string>();
        int count = 0;
        for (int i = 0; i < kept.Count; i++)
        {
            var (number, tokens) = kept[i];
            var alone = await AnswerAsync(client, factory.Create(number), cancellation);
            if (!alone.SequenceEqual(tokens))
            {
                count++;
                int place = alone.Zip(tokens).TakeWhile(pair => pair.First == pair.Second).Count();
                different.Add($"request {number}: {tokens.Length} tokens under load, {alone.Count} alone, the first difference at token {place}");
            }

            progress(i + 1);
        }

        return new CheckResult(kept.Count, answers.Offered, [.. different.Take(MostNamed)], count);
    }

    private static async Task<List<int>> AnswerAsync(LlmServeClient client, LoadRequest request, CancellationToken cancellation)
    {
        var ids = new List<int>();
        await foreach (var delta in client.GenerateAsync(LoadClient.ToProto(request), cancellation))
        {
            ids.AddRange(delta.TokenIds);
        }

        return ids;
    }
}
