using LlmServe.Engine.Scheduling;
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
        var guesses = new int[most];
        int count = PromptLookup.Guess(tokens, guesses);
        Assert.Equal(expected, guesses[..count]);
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
        await using var engine = EngineTest.Start(executor, new EngineOptions { PromptLookup = promptLookup });

        var guessed = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(plain.Tokens, guessed.Tokens);
        Assert.Equal(plain.Text, guessed.Text);
        Assert.Equal(plain.LogProbabilities.Select(p => (p.Token, p.LogProbability)), guessed.LogProbabilities.Select(p => (p.Token, p.LogProbability)));
        Assert.InRange(executor.Ticks, 200 / (promptLookup + 1), 150);
        var statistics = engine.Statistics;
        Assert.InRange(statistics.AcceptedGuesses, 50, statistics.GuessedTokens - 1);
        Assert.Equal(200, executor.Ticks - 1 + statistics.AcceptedGuesses); // the two prompt ticks give one token
        Assert.Equal(executor.KvBlockCount, statistics.FreeKvBlocks);
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
            await using var engine = EngineTest.Start(new FakeExecutor(model), new EngineOptions { PromptLookup = 6 });

            var guessed = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

            Assert.Equal((plain.Text, plain.Reason), (guessed.Text, guessed.Reason));
            Assert.Equal(plain.Tokens, guessed.Tokens);
            Assert.Equal((reason, length), (guessed.Reason, guessed.Tokens.Length));
            Assert.True(engine.Statistics.AcceptedGuesses > 0);
        }
    }
}
