using LlmServe.Text.Tokenization;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>The two ways of merging against the plain definition.</summary>
public sealed class MergerTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(Merger.ScanLimit)]
    [InlineData(Merger.ScanLimit + 1)]
    [InlineData(300)]
    public void Merge_RandomRules_GivesWhatTheDefinitionSays(int length)
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var pairs = RandomPairs(random);
            int[] symbols = [.. Enumerable.Range(0, length).Select(_ => random.Next(-1, 3))];
            var buffers = new EncodeBuffers();
            buffers.ReserveSymbols(length);
            symbols.CopyTo(buffers.Ids, 0);
            for (int i = 0; i <= length; i++)
            {
                buffers.Starts[i] = 2 * i;
            }

            int count = Merger.Merge(new PairMergeRule(pairs), buffers, length);

            var (ids, starts) = ByDefinition(pairs, symbols);
            Assert.Equal(ids, buffers.Ids[..count]);
            Assert.Equal(starts, buffers.Starts[..(count + 1)]);
        }
    }

    /// <summary>Again and again the merge of lowest rank, the leftmost among equals.</summary>
    private static (List<int> Ids, List<int> Starts) ByDefinition(PairTable pairs, int[] symbols)
    {
        var ids = symbols.ToList();
        var starts = Enumerable.Range(0, symbols.Length + 1).Select(i => 2 * i).ToList();
        while (true)
        {
            int best = -1;
            int bestRank = int.MaxValue;
            for (int i = 0; i + 1 < ids.Count; i++)
            {
                if (pairs.TryGet(ids[i], ids[i + 1], out int rank, out _) && rank < bestRank)
                {
                    (best, bestRank) = (i, rank);
                }
            }

            if (best < 0)
            {
                return (ids, starts);
            }

            pairs.TryGet(ids[best], ids[best + 1], out _, out int merged);
            ids[best] = merged;
            ids.RemoveAt(best + 1);
            starts.RemoveAt(best + 1);
        }
    }

    /// <summary>Rules over few tokens; some ranks are shared, as SentencePiece's scores may be.</summary>
    private static PairTable RandomPairs(Random random)
    {
        var pairs = new PairTable(4);
        for (int i = 0; i < 30; i++)
        {
            pairs.TryAdd(random.Next(12), random.Next(12), random.Next(20), random.Next(3, 12));
        }

        return pairs;
    }
}
