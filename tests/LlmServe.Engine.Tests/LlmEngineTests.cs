using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>What one request gets.</summary>
public class LlmEngineTests
{
    [Fact]
    public async Task Submit_ScriptedAnswer_StreamsItsTextAndStops()
    {
        await using var engine = EngineTest.Start(Saying(" the sky is blue 😀日本"));
        var request = EngineTest.Request("Why? assistant");

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(" the sky is blue 😀日本", answer.Text);
        Assert.Equal(FinishReason.Stop, answer.Reason);
        Assert.Equal(FakeTokenizer.Eos, answer.Tokens[^1]);
        Assert.Equal(new Usage(request.Prompt.Count, answer.Tokens.Length, 0), answer.Usage);
        Assert.True(answer.Timings is { Queue: >= 0, Prefill: >= 0, Decode: >= 0 });
    }

    [Theory]
    [InlineData("one two STOP three", new[] { "STOP" }, "one two ")]
    [InlineData("one two stop three", new[] { "p th" }, "one two sto")]
    [InlineData("one two three", new[] { "never", "o t" }, "one tw")]
    [InlineData("日本語 😀 one", new[] { "😀" }, "日本語 ")]
    [InlineData("ends with ST", new[] { "STOP" }, "ends with ST")]
    public async Task Submit_StopTexts_EndTheAnswerBeforeThem(string says, string[] stops, string expected)
    {
        await using var engine = EngineTest.Start(Saying(says));
        var request = EngineTest.Request("assistant") with { Stop = stops };

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(expected, answer.Text);
        Assert.Equal(FinishReason.Stop, answer.Reason);
    }

    [Fact]
    public async Task Submit_MaxTokens_EndsWithLengthAndAllHeldText()
    {
        await using var engine = EngineTest.Start(Saying("abcSTO one two"));
        var request = EngineTest.Request("assistant", maxTokens: 2) with { Stop = ["abcSTOP"] };

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal("abcS", answer.Text);
        Assert.Equal(2, answer.Tokens.Length);
        Assert.Equal(FinishReason.Length, answer.Reason);
    }

    [Theory]
    [InlineData(1, "")]
    [InlineData(2, "ü")]
    [InlineData(3, "ü")]
    [InlineData(6, "ü\u20ac")]
    public async Task Submit_AnswerEndsInsideACharacter_HasNoReplacementCharacter(int maxTokens, string text)
    {
        // The bytes of "ü", "€" and the first of a longer character, a token each.
        int[] says = [0xC3, 0xBC, 0xE2, 0x82, 0xAC, 0xF0];
        await using var engine = EngineTest.Start(new FakeExecutor(new FakeExecutorOptions { Next = history => says[history.Length - 1] }));
        var request = new GenerationRequest { Prompt = [65], MaxTokens = maxTokens, Stop = ["never"] };

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(says[..maxTokens], answer.Tokens);
        Assert.Equal(text, answer.Text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Submit_PenaltyAndBiasLeaveNoToken_IsTheRequestsFault(float temperature)
    {
        // All but one token are forbidden, and a penalty beyond all numbers forbids that one once it was said.
        var bias = Enumerable.Range(0, FakeTokenizer.Size).Where(id => id != 65).ToDictionary(id => id, _ => float.NegativeInfinity);
        var sampling = new SamplingOptions { Temperature = temperature, LogitBias = bias, PresencePenalty = float.MaxValue, FrequencyPenalty = float.MaxValue };
        await using var engine = EngineTest.Start(new FakeExecutor());
        var reader = engine.Submit(EngineTest.Request("Hello", 5, sampling), CancellationToken.None);

        var failure = await Assert.ThrowsAsync<EngineException>(() => EngineTest.Collect(reader));

        Assert.Equal((EngineError.InvalidArgument, "logit_bias"), (failure.Error, failure.Field));
        Assert.Equal((0, 0), (engine.Statistics.Running, engine.Statistics.Waiting));
        await EngineTest.Collect(engine.Submit(EngineTest.Request("Hello", 5), CancellationToken.None));
    }

    [Fact]
    public async Task TryRead_ReaderFarBehind_GetsWhatIsUnreadInOneUpdate()
    {
        var expected = await EngineTest.Alone(EngineTest.Request("Hello", 40) with { IgnoreEndOfGeneration = true, LogProbabilities = 1 });
        await using var engine = EngineTest.Start(new FakeExecutor(), new EngineOptions { StreamCapacity = 64 });
        var reader = engine.Submit(EngineTest.Request("Hello", 40) with { IgnoreEndOfGeneration = true, LogProbabilities = 1 }, CancellationToken.None);
        await engine.StopAsync(Timeout.InfiniteTimeSpan).WaitAsync(EngineTest.Patience);

        Assert.True(reader.TryRead(out var update));

        Assert.Equal(expected.Tokens, update.Tokens);
        Assert.Equal(expected.Text, update.Text);
        Assert.Equal(expected.LogProbabilities.Select(report => report.Token), update.LogProbabilities!.Select(report => report.Token));
        Assert.Equal(FinishReason.Length, update.FinishReason);
        Assert.False(reader.TryRead(out _));
        Assert.True(reader.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Submit_ContextEnds_EndsWithLength()
    {
        var model = new FakeExecutorOptions { ContextLength = 64 };
        var request = EngineTest.Request("Hello") with { IgnoreEndOfGeneration = true };

        var answer = await EngineTest.Alone(request, model);

        Assert.Equal(FinishReason.Length, answer.Reason);
        Assert.Equal(64, answer.Usage.PromptTokens + answer.Usage.CompletionTokens);
    }

    [Fact]
    public async Task Submit_KvMemoryBelowTheContext_IsTheContext()
    {
        await using var engine = EngineTest.Start(new FakeExecutor(new FakeExecutorOptions { ContextLength = 512, KvBlocks = 3 }));
        Assert.Equal(96, engine.ContextLength);

        var answer = await EngineTest.Collect(engine.Submit(EngineTest.Request("Hello") with { IgnoreEndOfGeneration = true }, CancellationToken.None));

        Assert.Equal(96, answer.Usage.PromptTokens + answer.Usage.CompletionTokens);
    }

    [Fact]
    public async Task Submit_IgnoreEndOfGeneration_RunsOnAndHidesTheToken()
    {
        var request = EngineTest.Request("assistant", maxTokens: 12);
        await using var engine = EngineTest.Start(Saying("Hello"));

        var hidden = await EngineTest.Collect(engine.Submit(request with { IgnoreEndOfGeneration = true }, CancellationToken.None));
        var shown = await EngineTest.Collect(
            engine.Submit(request with { IgnoreEndOfGeneration = true, SpecialTokensInText = true }, CancellationToken.None));

        Assert.Equal(12, hidden.Tokens.Length);
        Assert.Contains(FakeTokenizer.Eos, hidden.Tokens);
        Assert.Equal(hidden.Tokens, shown.Tokens);
        Assert.DoesNotContain("<|eos|>", hidden.Text, StringComparison.Ordinal);
        Assert.StartsWith("Hello<|eos|>", shown.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_Seed_MakesTheAnswerReproducible()
    {
        GenerationRequest With(ulong seed, int choice = 0) => EngineTest.Request(
            "Hello world", maxTokens: 40, new SamplingOptions { Temperature = 1, Seed = seed, Choice = choice }) with { IgnoreEndOfGeneration = true };

        var first = await EngineTest.Alone(With(7));
        Assert.Equal(first.Tokens, (await EngineTest.Alone(With(7))).Tokens);
        Assert.NotEqual(first.Tokens, (await EngineTest.Alone(With(8))).Tokens);
        Assert.NotEqual(first.Tokens, (await EngineTest.Alone(With(7, choice: 1))).Tokens);
    }

    [Theory]
    [InlineData(null, -1)]
    [InlineData(0, 0)]
    [InlineData(5, 5)]
    public async Task Submit_LogProbabilities_ReportsTheChosenTokenAndTheLikeliest(int? asked, int top)
    {
        var answer = await EngineTest.Alone(
            EngineTest.Request("Hello", maxTokens: 6) with { LogProbabilities = asked, IgnoreEndOfGeneration = true });

        Assert.Equal(top < 0 ? 0 : 6, answer.LogProbabilities.Length);
        for (int i = 0; i < answer.LogProbabilities.Length; i++)
        {
            var report = answer.LogProbabilities[i];
            Assert.Equal(answer.Tokens[i], report.Token);
            Assert.Equal(top, report.Top.Count);
            Assert.InRange(report.LogProbability, -20, 0);
            Assert.True(top <= 0 || report.Top[0].Key == report.Token, "greedy takes the likeliest");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(31)]
    [InlineData(32)]
    public async Task Submit_PromptInChunks_GivesTheSameAnswer(int rowsPerTick)
    {
        var request = new GenerationRequest { Prompt = EngineTest.RandomPrompt(new Random(3), 150), MaxTokens = 40, IgnoreEndOfGeneration = true };
        var expected = await EngineTest.Alone(request, new FakeExecutorOptions { MaxRows = 256 });
        var executor = new FakeExecutor(new FakeExecutorOptions { MaxRows = 256 });
        await using var engine = EngineTest.Start(executor, new EngineOptions { MaxRowsPerTick = rowsPerTick });

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Equal(expected.Tokens, answer.Tokens);
        Assert.Equal((150 + rowsPerTick - 1) / rowsPerTick + 39, executor.Ticks);
    }

    [Fact]
    public void Constructor_TokenizerSmallerThanTheModel_Throws()
    {
        using var executor = new FakeExecutor(new FakeExecutorOptions { VocabularySize = FakeTokenizer.Size + 1 });
        Assert.Throws<ArgumentException>(() => EngineTest.Start(executor));
    }

    [Theory]
    [InlineData(0, 1, 1, 50)]
    [InlineData(1, -1, 1, 50)]
    [InlineData(1, 1, 0, 50)]
    [InlineData(1, 1, 1, double.NaN)]
    public void Constructor_LimitOutOfRange_Throws(int sequences, int queue, int rows, double milliseconds)
    {
        using var executor = new FakeExecutor();
        var options = new EngineOptions { MaxSequences = sequences, MaxQueue = queue, MaxRowsPerTick = rows, MaxTickMilliseconds = milliseconds };
        Assert.Throws<ArgumentOutOfRangeException>(() => EngineTest.Start(executor, options));
    }

    private static FakeExecutor Saying(string answer) =>
        new(new FakeExecutorOptions { Next = FakeScript.After(EngineTest.Tokenizer, "assistant", answer) });
}
