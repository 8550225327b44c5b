using LlmServe.Engine.Speculation;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

public class PromptLookupTests
{
    /// <summary>A model that mostly repeats itself, with a surprise now and then.</summary>
    internal static int Repetitive(ReadOnlySpan<int> history) =>
        history.Length < 2 || history.Length % 13 == 0 ? -1 : 65 + (history[^1] + history[^2]) % 4;

    [Theory]
    [InlineData(new[] { 1, 2, 3, 4, 5, 1, 2 }, 3, new[] { 3, 4, 5 })]
    [InlineData(new[] { 1, 2, 9, 1, 2, 8, 1, 2 }, 2, new[] { 8, 1 })] // the most recent one
    [InlineData(new[] { 7, 1, 2, 9, 6, 1, 2, 8, 7, 1, 2 }, 1, new[] { 9 })] // the longest one
    [InlineData(new[] { 5, 5, 5 }, 4, new[] { 5, 5, 5, 5 })]
    [InlineData(new[] { 1, 2, 1, 2, 1, 2 }, 5, new[] { 1, 2, 1, 2, 1 })]
    [InlineData(new[] { 1, 2, 3, 4 }, 4, new int[0])]
    [InlineData(new[] { 1, 1 }, 4, new int[0])]
    [InlineData(new[] { 1 }, 4, new int[0])]
    public void Guess_Past_GivesWhatFollowed(int[] tokens, int most, int[] expected)
    {
        var guesses = Guess(new PromptLookup(tokens.Length), tokens, most);
        Assert.Equal(expected, guesses);
    }

    [Fact]
    public void Find_GrowingText_EqualsAScanOfTheWholeText()
    {
        for (int seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            int words = random.Next(2, 7);
            int[] text = [.. Enumerable.Range(0, 90).Select(_ => random.Next(words))];
            if (seed % 2 == 0)
            {
                text.AsSpan(0, 40).CopyTo(text.AsSpan(45)); // beyond the longest match that is measured
            }

            var lookup = new PromptLookup(text.Length);
            for (int length = random.Next(1, 20); length <= text.Length; length += random.Next(1, 4))
            {
                int found = lookup.Find(text.AsSpan(0, length), out int agreed);
                var (scanned, longest) = Scan(text.AsSpan(0, length));
                Assert.True(agreed <= longest && agreed >= Math.Min(longest, PromptLookup.ShortestMatch));
                Assert.True(agreed == 0 || Agreement(text.AsSpan(0, length), found - 1) == agreed);
                Assert.True(words > 4 || agreed == longest || length > 30, "a short text has few places, and all are compared");
                Assert.True(agreed < longest || agreed == 0 || found == scanned, "the most recent of equally long matches");
            }
        }
    }

    [Fact]
    public void Find_LongText_AllocatesNothing()
    {
        var text = EngineTest.RandomPrompt(new Random(1), 100_000);
        Assert.Equal(0, Allocations.Least(() =>
        {
            var lookup = new PromptLookup(text.Length);
            lookup.Find(text.AsSpan(0, 10), out _);
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int length = 90_000; length < text.Length; length++)
            {
                lookup.Find(text.AsSpan(0, length), out _);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }));
    }

    [Theory]
    [InlineData(0f, 3)]
    [InlineData(0f, 8)]
    [InlineData(0.8f, 8)]
    public async Task Submit_GuessingAhead_GivesTheSameAnswerInFewerTicks(float temperature, int promptLookup)
    {
        var model = new FakeExecutorOptions { Next = Repetitive };
        var request = new GenerationRequest
        {
            Prompt = EngineTest.RandomPrompt(new Random(9), 40),
            MaxTokens = 200,
            IgnoreEndOfGeneration = true,
            LogProbabilities = 2,
            Sampling = new SamplingOptions { Temperature = temperature, Seed = 5, RepetitionPenalty = 1.01f, FrequencyPenalty = 0.01f },
        };
        var plain = await EngineTest.Alone(request, model);
        var executor = new FakeExecutor(model);
        await using var engine = EngineTest.Start(executor, new EngineOptions { Speculate = promptLookup });

        var guessed = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(plain.Tokens, guessed.Tokens);
        Assert.Equal(plain.Text, guessed.Text);
        Assert.Equal(plain.LogProbabilities.Select(p => (p.Token, p.LogProbability)), guessed.LogProbabilities.Select(p => (p.Token, p.LogProbability)));
        Assert.InRange(executor.Ticks, 200 / (promptLookup + 1), 150);
        var statistics = engine.Statistics;
        Assert.InRange(statistics.Speculation.Accepted, 50, statistics.Speculation.Drafted - 1);
        Assert.Equal(200, executor.Ticks - 1 + statistics.Speculation.Accepted); // the two prompt ticks give one token
        Assert.Equal(executor.Memory.KvGroups[0].Blocks, statistics.FreeKvBlocks);
    }

    [Fact]
    public async Task Submit_GuessesBeyondTheEnd_AreDropped()
    {
        // The answer is one word again and again; the context, a stop text and an end token each cut it in the middle of a right guess.
        int Word(ReadOnlySpan<int> history) => history.Length == 61 ? FakeTokenizer.Eos : "abcd"[history.Length % 4];
        var model = new FakeExecutorOptions { Next = Word, ContextLength = 128 };
        foreach (var (change, reason, length) in new (Func<GenerationRequest, GenerationRequest>, FinishReason, int)[]
        {
            (request => request, FinishReason.Stop, 58),
            (request => request with { MaxTokens = 30 }, FinishReason.Length, 30),
            (request => request with { IgnoreEndOfGeneration = true }, FinishReason.Length, 124),
            (request => request with { Stop = ["abcdabcdabc"] }, FinishReason.Stop, 11),
        })
        {
            var request = change(new GenerationRequest { Prompt = [97, 98, 99, 100] });
            var plain = await EngineTest.Alone(request, model);
            await using var engine = EngineTest.Start(new FakeExecutor(model), new EngineOptions { Speculate = 6 });

            var guessed = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

            Assert.Equal((plain.Text, plain.Reason), (guessed.Text, guessed.Reason));
            Assert.Equal(plain.Tokens, guessed.Tokens);
            Assert.Equal((reason, length), (guessed.Reason, guessed.Tokens.Length));
            Assert.True(engine.Statistics.Speculation.Accepted > 0);
        }
    }

    private static int[] Guess(PromptLookup lookup, int[] tokens, int most)
    {
        int found = lookup.Find(tokens, out int agreed);
        return agreed == 0 ? [] : [.. Enumerable.Range(0, most).Select(i => PromptLookup.Guess(tokens, found, i))];
    }

    /// <summary>The most recent of the longest earlier occurrences of the end, without an index.</summary>
    private static (int Found, int Agreed) Scan(ReadOnlySpan<int> tokens)
    {
        var best = (Found: 0, Agreed: 0);
        for (int at = tokens.Length - 2; at >= 1; at--)
        {
            int agreed = Agreement(tokens, at);
            best = agreed >= PromptLookup.ShortestMatch && agreed > best.Agreed ? (at + 1, agreed) : best;
        }

        return best;
    }

    private static int Agreement(ReadOnlySpan<int> tokens, int at)
    {
        int agreed = 0;
        while (agreed < PromptLookup.LongestMatch && agreed <= at && tokens[at - agreed] == tokens[^(agreed + 1)])
        {
            agreed++;
        }

        return agreed;
    }
}
