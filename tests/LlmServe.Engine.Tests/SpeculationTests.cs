using LlmServe.Execution;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Guessing ahead where the engine decides for itself: it changes no answer, and it costs nothing where it does not pay.</summary>
public class SpeculationTests
{
    /// <summary>Rows are nearly free, as on a machine that waits for memory.</summary>
    private static readonly FakeExecutorOptions CheapRows = new()
    {
        SecondsPerTick = 0.02, SecondsPerRow = 0.001, MaxRows = 64, Next = PromptLookupTests.Repetitive,
    };

    [Theory]
    [InlineData(0f)]
    [InlineData(0.9f)]
    public async Task Submit_TextThatRepeats_ComesInFewerTicksWithTheSameBits(float temperature)
    {
        var request = Request(temperature);
        var plain = await Alone(CheapRows, request, 0);
        var guessed = await Alone(CheapRows, request, null);

        AssertSame(plain.Answer, guessed.Answer);
        Assert.InRange(guessed.Executor.Ticks, 1, plain.Executor.Ticks * 2 / 3);
        Assert.Equal(guessed.Statistics.LookupAccepted, guessed.Answer.Usage.AcceptedDraftTokens);
        Assert.Equal(guessed.Statistics.LookupDrafts, guessed.Answer.Usage.DraftTokens);
        Assert.Equal(0, plain.Answer.Usage.DraftTokens);
    }

    [Fact]
    public async Task Submit_RowsCostAsMuchAsTicks_GuessesNothing()
    {
        var dear = CheapRows with { SecondsPerTick = 0, SecondsPerRow = 0.02 };
        var guessed = await Alone(dear, Request(0), null);
        Assert.Equal(0, guessed.Statistics.Drafted);
        Assert.Equal(200, guessed.Executor.Ticks); // the prompt's gives the first token
    }

    [Fact]
    public async Task Submit_TextThatOnlySeemsToRepeat_GuessesNextToNothing()
    {
        // Every pair of the four words stood there before, and says nothing about the next word.
        var random = new Random(8);
        int[] text = [.. Enumerable.Range(0, 1024).Select(_ => 65 + random.Next(4))];
        var model = CheapRows with { SecondsPerTick = 0.01, SecondsPerRow = 0.01, Next = history => text[history.Length], ContextLength = 1024 };
        var guessed = await Alone(model, Request(0) with { MaxTokens = 900 }, null);
        Assert.InRange(guessed.Statistics.Drafted, 0, 900 / 50);
    }

    [Fact]
    public async Task Submit_ManyStreams_KeepTheTickBound()
    {
        const double Bound = 0.050;
        var model = CheapRows with
        {
            OnTick = rows => Assert.True(
                rows.SelectedCount < rows.Count || Slots(rows) == 1 || 0.02 + rows.Count * 0.001 <= Bound, $"{rows.Count} rows take longer than promised"),
        };
        var executor = new FakeExecutor(model);
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxTickMilliseconds = Bound * 1000 });
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => EngineTest.Collect(engine.Submit(
            Request(0) with { Prompt = EngineTest.RandomPrompt(new Random(i), 10 + i) }, CancellationToken.None))));
        Assert.True(engine.Statistics.Speculation.Accepted > answers.Length * 50, engine.Statistics.ToString());
    }

    [Fact]
    public void Step_TicksSlowerThanCompiled_GuessesKeepTheBoundAsItIsNow()
    {
        const double Slower = 3;
        var rig = new LoopRig(CheapRows, new EngineOptions { MaxTickMilliseconds = 100 }, learns: true);
        for (int i = 0; i < 3; i++)
        {
            rig.Add(EngineTest.RandomPrompt(new Random(i), 10), 300);
        }

        int most = 0;
        for (int tick = 0; tick < 80; tick++)
        {
            Assert.True(rig.Loop.Prepare());
            most = Math.Max(most, rig.Executor.Rows.SelectedCount);
            Assert.InRange(Slower * rig.Executor.Costs.Seconds(rig.Executor.Rows.SelectedCount, 0, 0), 0, 0.1);
            rig.FinishAsPredicted(Slower);
        }

        Assert.InRange(most, 5, 10); // 3 × (20 ms + 10 × 1 ms): nine tenths of what was promised
    }

    [Fact]
    public void Step_WhileAPromptIsRead_NobodyGuesses()
    {
        var rig = new LoopRig(CheapRows with { ContextLength = 1024, MaxRows = 16 }, new EngineOptions { Speculate = 4 });
        var first = rig.Add(EngineTest.RandomPrompt(new Random(3), 10), 600);
        int guessed = 0;
        for (int tick = 0; tick < 40; tick++)
        {
            rig.Step();
            guessed += first.Tick.Drafts;
        }

        Assert.True(guessed > 0);
        var prompt = rig.Add(new int[200], 50);
        int ticks = 0;
        while (!prompt.IsDecoding)
        {
            int before = first.Tokens.Length;
            rig.Step();
            Assert.Equal((0, 1), (first.Tick.Drafts, first.Tokens.Length - before));
            ticks++;
        }

        Assert.True(ticks > 5);
        for (guessed = 0; ticks > 0; ticks--)
        {
            rig.Step();
            guessed += first.Tick.Drafts;
        }

        Assert.True(guessed > 0, "the prompt is read, and rows are free again");
    }

    /// <summary>Different slots in a tick.</summary>
    private static int Slots(RowTable rows) => rows.RowSlots.ToArray().Distinct().Count();

    private static GenerationRequest Request(float temperature) => new()
    {
        Prompt = EngineTest.RandomPrompt(new Random(3), 40),
        MaxTokens = 200,
        IgnoreEndOfGeneration = true,
        LogProbabilities = 2,
        Sampling = new SamplingOptions { Temperature = temperature, Seed = 5, RepetitionPenalty = 1.01f, FrequencyPenalty = 0.01f },
    };

    private static async Task<(Answer Answer, FakeExecutor Executor, SpeculationStatistics Statistics)> Alone(
        FakeExecutorOptions model, GenerationRequest request, int? speculate)
    {
        var executor = new FakeExecutor(model);
        await using var engine = EngineTest.Start(executor, new EngineOptions { Speculate = speculate });
        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
        return (answer, executor, engine.Statistics.Speculation);
    }

    private static void AssertSame(Answer expected, Answer actual)
    {
        Assert.Equal(expected.Tokens, actual.Tokens);
        Assert.Equal((expected.Text, expected.Reason), (actual.Text, actual.Reason));
        Assert.Equal(Bits(expected), Bits(actual));
    }

    private static (int, int)[] Bits(Answer answer) =>
        [.. answer.LogProbabilities.Select(p => (p.Token, BitConverter.SingleToInt32Bits(p.LogProbability)))];
}
