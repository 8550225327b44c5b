using LlmServe.Constraints;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>Answers under a constraint: in its language, the same whatever runs beside them, and without ticks for what is certain.</summary>
public class ConstraintTests
{
    private static readonly ConstraintVocabulary Vocabulary = new(EngineTest.Tokenizer);

    private static readonly ConstraintRule[] Rules =
    [
        ConstraintRule.Choice(["yes", "no", "I am not sure about the sky"]),
        new(ConstraintKind.Regex, "[a-z]{3,12}( and [a-z]{2,9}){0,4}"),
        new(ConstraintKind.Regex, "The answer is: [0-9]{1,6}\\."),
        new(ConstraintKind.JsonObject, ""),
        new(ConstraintKind.JsonSchema, """{"type":"object","properties":{"city":{"type":"string","maxLength":9},"unit":{"enum":["celsius","fahrenheit"]}},"required":["city","unit"],"additionalProperties":false}"""),
        new(ConstraintKind.Gbnf, "root ::= item (\", \" item){0,5}\nitem ::= [A-Za-z]+ \" is \" (\"blue\" | \"the sky\" | \"one two three four\")"),
    ];

    private static readonly TokenConstraint[] Constraints =
        [.. Rules.Select(rule => TokenConstraint.Create(ConstraintGrammar.Compile(rule, Vocabulary), Vocabulary))];

    [Theory]
    [InlineData(200, 0, false)]
    [InlineData(8, 0, false)]
    [InlineData(200, 5, false)]
    [InlineData(8, 3, false)]
    [InlineData(200, null, true)]
    [InlineData(8, 4, true)]
    public async Task Submit_ManyConstrained_GetTheAnswersTheyWouldGetAlone(int kvBlocks, int? speculate, bool hasDraft)
    {
        var model = new FakeExecutorOptions { ContextLength = 256, MaxRows = 40, MaxSequences = 12, KvBlocks = kvBlocks, SecondsPerTick = 0.01, SecondsPerRow = 0.0001, Next = PromptLookupTests.Repetitive };
        var random = new Random(kvBlocks);
        var requests = Enumerable.Range(0, 36).Select(i => RandomRequest(random, i)).ToArray();
        var expected = new Answer[requests.Length];
        await using (var alone = EngineTest.Start(new FakeExecutor(model with { KvBlocks = 200 }), new EngineOptions { PrefixCache = false, Speculate = 0 }))
        {
            for (int i = 0; i < requests.Length; i++)
            {
                expected[i] = await EngineTest.Collect(alone.Submit(requests[i], CancellationToken.None));
            }
        }

        var draft = hasDraft ? new DraftModel(new FakeExecutor(model with { KvBlocks = 200, SecondsPerTick = 0.0001 }), EngineTest.Tokenizer) : null;
        var target = new FakeExecutor(model with { Gated = true });
        await using var engine = new LlmEngine(target, EngineTest.Tokenizer, new EngineOptions { Speculate = speculate, MaxTickMilliseconds = 1000 }, draft);
        var readers = requests.Select(request => engine.Submit(request, CancellationToken.None)).ToArray();
        target.Gate.Open(); // all are here: their answers do not come one after the other
        var answers = await Task.WhenAll(readers.Select(EngineTest.Collect));

        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal(expected[i].Tokens, answers[i].Tokens);
            Assert.Equal((expected[i].Text, expected[i].Reason), (answers[i].Text, answers[i].Reason));
            AssertFollows(requests[i].Constraint, answers[i]);
        }

        Assert.True(kvBlocks > 100 || engine.Statistics.Preemptions > 0, "the small cache must have led to preemption");
        Assert.Equal(speculate != 0, engine.Statistics.Speculation.Accepted > 0);
    }

    [Fact]
    public async Task Submit_MostlyForced_TakesATickForWhatIsNotAlone()
    {
        var executor = new FakeExecutor();
        await using var engine = EngineTest.Start(executor, new EngineOptions { Speculate = 0 });
        var request = EngineTest.Request("Hello", 100) with { Constraint = Constraints[2] };

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.StartsWith("The answer is: ", answer.Text, StringComparison.Ordinal);
        Assert.Equal(FinishReason.Stop, answer.Reason);
        Assert.InRange(executor.Ticks, 2, 9); // one for the prompt, and one for each digit and for what ends them
        Assert.True(answer.Tokens.Length > 10);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1f)]
    public async Task Submit_LogProbabilities_SameTokensWithAReportForEach(float temperature)
    {
        foreach (var constraint in Constraints)
        {
            var request = EngineTest.Request("Hello", 60, new SamplingOptions { Temperature = temperature, Seed = 4 }) with { Constraint = constraint };
            var plain = await EngineTest.Alone(request);
            var reported = await EngineTest.Alone(request with { LogProbabilities = 2 });
            Assert.Equal(plain.Tokens, reported.Tokens);
            Assert.Equal(plain.Tokens, reported.LogProbabilities.Select(report => report.Token));
        }
    }

    [Fact]
    public async Task Submit_LongForcedRun_IsReadLikeAPrompt()
    {
        string text = string.Concat(Enumerable.Repeat("the sky is blue and ", 8)) + "that is all: ";
        var constraint = TokenConstraint.Create(ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.Regex, $"(A|B): {text}[0-9]"), Vocabulary), Vocabulary);
        var executor = new FakeExecutor(new FakeExecutorOptions { MaxRows = 16 });
        await using var engine = EngineTest.Start(executor, new EngineOptions { Speculate = 0 });
        var request = EngineTest.Request("Hello", 300) with { Constraint = constraint };

        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));

        Assert.Matches("^(A|B): the sky.*all: [0-9]$", answer.Text);
        Assert.InRange(executor.Ticks, answer.Tokens.Length / 16, (answer.Tokens.Length / 16) + 6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Submit_MaxTokensInAForcedRun_EndsThere(int maxTokens)
    {
        var answer = await EngineTest.Alone(EngineTest.Request("Hello", maxTokens) with { Constraint = Constraints[2] });
        Assert.Equal((maxTokens, FinishReason.Length), (answer.Tokens.Length, answer.Reason));
    }

    [Fact]
    public async Task Submit_EndIgnored_StillEndsWhereNothingMayFollow()
    {
        var answer = await EngineTest.Alone(EngineTest.Request("Hello", 50) with { Constraint = Constraints[0], IgnoreEndOfGeneration = true });
        Assert.Equal(FinishReason.Stop, answer.Reason);
        Assert.Contains(answer.Text, new[] { "yes", "no", "I am not sure about the sky" });
    }

    [Fact]
    public async Task Submit_BiasAgainstAllThatIsAllowed_IsTheRequestsFault()
    {
        // Every way to begin "yes", "no" or "I" is forbidden.
        var bias = Enumerable.Range(0, FakeTokenizer.Size)
            .Where(id => "ynI".Contains((char)EngineTest.Tokenizer.BytesOf(id)[0], StringComparison.Ordinal)).ToDictionary(id => id, _ => float.NegativeInfinity);
        await using var engine = EngineTest.Start(new FakeExecutor());
        var request = EngineTest.Request("Hello", 5, new SamplingOptions { LogitBias = bias }) with { Constraint = Constraints[0] };
        var failure = await Assert.ThrowsAsync<EngineException>(() => EngineTest.Collect(engine.Submit(request, CancellationToken.None)));
        Assert.Equal((EngineError.InvalidArgument, "logit_bias"), (failure.Error, failure.Field));
    }

    [Fact]
    public async Task Submit_ConstraintOfAnotherVocabulary_IsRefused()
    {
        var other = new ConstraintVocabulary(new SmallTokenizer());
        var constraint = TokenConstraint.Create(ConstraintGrammar.Compile(Rules[1], other), other);
        await using var engine = EngineTest.Start(new FakeExecutor());
        var failure = Assert.Throws<EngineException>(() => engine.Submit(EngineTest.Request("Hello") with { Constraint = constraint }, CancellationToken.None));
        Assert.Equal("constraint", failure.Field);
    }

    private static void AssertFollows(TokenConstraint? constraint, Answer answer)
    {
        var match = constraint?.Grammar.Match(answer.Text);
        Assert.True(match is null || (answer.Reason == FinishReason.Stop ? match.Value.Accepted : match.Value.IsPrefix), $"'{answer.Text}' does not follow its rule");
    }

    private static GenerationRequest RandomRequest(Random random, int i) => new()
    {
        Prompt = EngineTest.RandomPrompt(random, random.Next(1, 60)),
        MaxTokens = random.Next(3, 90),
        IgnoreEndOfGeneration = i % 4 == 0,
        Constraint = i % 4 == 0 ? null : Constraints[i % Constraints.Length],
        Sampling = new SamplingOptions { Temperature = random.Next(2), Seed = (ulong)random.NextInt64(), RepetitionPenalty = random.Next(2) == 0 ? 1 : 1.1f },
    };

    /// <summary>The fake vocabulary without its last token.</summary>
    private sealed class SmallTokenizer : LlmServe.Text.ITokenizer
    {
        private readonly FakeTokenizer _all = new();

        public int VocabularySize => FakeTokenizer.Size - 1;

        public int? BosId => _all.BosId;

        public int? EosId => _all.EosId;

        public IReadOnlySet<int> EndOfGenerationIds => _all.EndOfGenerationIds;

        public bool StripsLeadingSpace => false;

        public void Encode(string text, bool addSpecial, IReadOnlyList<LlmServe.Text.TextSpan> literal, List<int> ids, CancellationToken cancellation = default) =>
            _all.Encode(text, addSpecial, literal, ids, cancellation);

        public ReadOnlySpan<byte> BytesOf(int id) => _all.BytesOf(id);

        public string PieceOf(int id) => _all.PieceOf(id);

        public LlmServe.Text.TokenKind KindOf(int id) => _all.KindOf(id);
    }
}
