using LlmServe.Engine.Speculation;
using LlmServe.Testing.Fakes;
using LlmServe.Text;

namespace LlmServe.Engine.Tests;

/// <summary>A draft model, good, bad or broken: answers are those without it, bit by bit.</summary>
public class DraftTests
{
    /// <summary>A model of the same family whose text does not repeat, so that only a draft can guess it.</summary>
    private static readonly FakeExecutorOptions Target = new()
    {
        ContextLength = 256, MaxRows = 64, MaxSequences = 8, SecondsPerTick = 0.010, SecondsPerRow = 0.0002, Next = Novel,
    };

    /// <summary>What a draft can be like.</summary>
    public enum Kind
    {
        Same, Half, Random, Failing, FewBlocks, ShortContext, FewSlots, FewRows, Dear,
    }

    public static TheoryData<Kind, int?> Kinds()
    {
        var data = new TheoryData<Kind, int?>();
        foreach (var kind in Enum.GetValues<Kind>())
        {
            data.Add(kind, null);
            data.Add(kind, 3);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Submit_AnyDraft_GivesTheAnswersWithoutIt(Kind kind, int? speculate)
    {
        const int Clients = 24;
        var random = new Random((int)kind);
        var requests = Enumerable.Range(0, Clients).Select(_ => RandomRequest(random)).ToArray();
        var expected = new Answer[Clients];
        await using (var alone = EngineTest.Start(new FakeExecutor(Target), new EngineOptions { Speculate = 0 }))
        {
            for (int i = 0; i < Clients; i++)
            {
                expected[i] = await EngineTest.Collect(alone.Submit(requests[i], CancellationToken.None));
            }
        }

        var failures = new List<Exception>();
        var draft = new FakeExecutor(DraftOf(kind));
        var target = new FakeExecutor(Target with { KvBlocks = 24 }); // too few for all: preemption
        await using var engine = new LlmEngine(
            target, EngineTest.Tokenizer, new EngineOptions { Speculate = speculate, MaxTickMilliseconds = 1000 },
            new DraftModel(draft, new FakeTokenizer()) { OnFailure = failures.Add });
        using var cancelled = new CancellationTokenSource();
        var dropped = engine.Submit(requests[0] with { MaxTokens = 150 }, cancelled.Token);
        var clients = requests.Select(request => EngineTest.Collect(engine.Submit(request, CancellationToken.None))).ToArray();
        await dropped.WaitToReadAsync();
        await cancelled.CancelAsync();
        var answers = await Task.WhenAll(clients);
        await EngineTest.Collect(dropped);

        for (int i = 0; i < Clients; i++)
        {
            Assert.Equal(expected[i].Tokens, answers[i].Tokens);
            Assert.Equal((expected[i].Text, expected[i].Reason), (answers[i].Text, answers[i].Reason));
        }

        var statistics = engine.Statistics;
        Assert.Equal(24, statistics.FreeKvBlocks);
        Assert.Equal(kind == Kind.Failing ? 1 : 0, failures.Count);
        Assert.Equal(kind == Kind.Failing, statistics.Speculation.ModelFailed);
        Assert.True(statistics.Speculation.ModelTicks > 0 || kind == Kind.Dear, statistics.ToString());
    }

    [Fact]
    public async Task Submit_TheModelItselfAsDraft_AcceptsEveryGuess()
    {
        var (answer, ticks, statistics) = await Run(Target, new EngineOptions());
        Assert.Equal(200, answer.Tokens.Length);
        Assert.Equal(statistics.ModelDrafts, statistics.ModelAccepted);
        Assert.InRange(ticks, 1, 60);
        Assert.Equal(statistics.Drafted, answer.Usage.DraftTokens);
    }

    [Fact]
    public async Task Submit_DraftThatIsNeverRight_IsSoonLeftAlone()
    {
        var (answer, _, statistics) = await Run(Target with { Next = history => 33 + (Novel(history) + 1) % 90 }, new EngineOptions());
        Assert.Equal(200, answer.Tokens.Length);
        Assert.Equal(0, statistics.ModelAccepted);
        Assert.InRange(statistics.ModelDrafts, 1, 40);
    }

    [Fact]
    public async Task Submit_DraftAsSlowAsTheModel_IsNotAsked()
    {
        var (_, _, statistics) = await Run(Target with { SecondsPerTick = 0.02 }, new EngineOptions());
        Assert.Equal(0, statistics.ModelTicks);
    }

    [Fact]
    public void Follow_SequencesCameAndWent_BlocksReturn()
    {
        var draft = new FakeExecutor(Target);
        var cache = new DraftCache(draft, FakeTokenizer.Size, 4, prefixCache: false);
        int blocks = cache.FreeBlocks;
        var rig = new LoopRig(Target, new EngineOptions { Speculate = 0 });
        var sequence = rig.Add(EngineTest.RandomPrompt(new Random(1), 50), 20);
        rig.Step();
        Assert.True(cache.TryFollow(sequence, 4));
        Assert.Equal(sequence.Tokens.Length, cache.Pending(sequence));
        Assert.True(cache.FreeBlocks < blocks);
        cache.Read(sequence, 40);
        Assert.Equal(sequence.Tokens.Length - 40, cache.Pending(sequence));
        cache.Sweep();
        Assert.Equal(sequence.Tokens.Length - 40, cache.Pending(sequence));

        sequence.Life.RequestCancel();
        rig.Loop.Prepare();
        cache.Sweep();

        Assert.Equal(blocks, cache.FreeBlocks);
    }

    [Theory]
    [InlineData("size", "it has 320 tokens, the model 319")]
    [InlineData("piece", "token 70 is 'changed' (")]
    [InlineData("eos", "its end-of-sequence token is 258, the model's 257")]
    [InlineData("end", "ends answers of")]
    public async Task Construct_OtherVocabulary_SaysTheFirstDifference(string change, string message)
    {
        var executor = new FakeExecutor(Target with { VocabularySize = 300 });
        var draft = new DraftModel(new FakeExecutor(Target with { VocabularySize = 300 }), new FakeTokenizer());
        var tokenizer = new ChangedTokenizer(change);
        var error = Assert.Throws<ArgumentException>(() => new LlmEngine(
            executor, change == "size" ? tokenizer : draft.Tokenizer, new EngineOptions(), change == "size" ? draft : draft with { Tokenizer = tokenizer }));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
        await using var engine = new LlmEngine(executor, new FakeTokenizer(), new EngineOptions(), draft); // equal ones are welcome
    }

    /// <summary>The next token follows from all before it and looks like noise.</summary>
    private static int Novel(ReadOnlySpan<int> history)
    {
        uint hash = (uint)history.Length;
        foreach (int token in history)
        {
            hash = (hash ^ (uint)token) * 0x9E3779B1;
            hash ^= hash >> 15;
        }

        return 33 + (int)(hash % 90);
    }

    private static FakeExecutorOptions DraftOf(Kind kind)
    {
        var draft = Target with { SecondsPerTick = 0.0005, SecondsPerRow = 0.00001 };
        var random = new Random(4);
        return kind switch
        {
            Kind.Half => draft with { Next = history => history.Length % 2 == 0 ? Novel(history) : 40 },
            Kind.Random => draft with { Next = _ => random.Next(FakeTokenizer.Size) },
            Kind.Failing => draft with { ThrowAtTick = 30 },
            Kind.FewBlocks => draft with { KvBlocks = 7 },
            Kind.ShortContext => draft with { ContextLength = 64 },
            Kind.FewSlots => draft with { MaxSequences = 2 },
            Kind.FewRows => draft with { MaxRows = 2 },
            Kind.Dear => draft with { SecondsPerTick = 1 },
            _ => draft,
        };
    }

    private static GenerationRequest RandomRequest(Random random) => new()
    {
        Prompt = EngineTest.RandomPrompt(random, random.Next(1, 90)),
        MaxTokens = random.Next(10, 120),
        IgnoreEndOfGeneration = random.Next(2) == 0,
        Sampling = new SamplingOptions
        {
            Temperature = random.Next(2) * 0.8f, RepetitionPenalty = random.Next(2) == 0 ? 1 : 1.02f, Seed = (ulong)random.NextInt64(),
        },
    };

    /// <summary>One greedy answer of 200 tokens by <see cref="Target"/> with a draft.</summary>
    private static async Task<(Answer Answer, int Ticks, SpeculationStatistics Statistics)> Run(FakeExecutorOptions draft, EngineOptions options)
    {
        var executor = new FakeExecutor(Target);
        var model = new DraftModel(new FakeExecutor(draft with { SecondsPerTick = draft.SecondsPerTick / 20 }), new FakeTokenizer());
        if (draft.SecondsPerTick > Target.SecondsPerTick)
        {
            model = new DraftModel(new FakeExecutor(draft), new FakeTokenizer());
        }

        await using var engine = new LlmEngine(executor, EngineTest.Tokenizer, options, model);
        var request = new GenerationRequest { Prompt = EngineTest.RandomPrompt(new Random(2), 40), MaxTokens = 200, IgnoreEndOfGeneration = true };
        var answer = await EngineTest.Collect(engine.Submit(request, CancellationToken.None));
        var plain = await EngineTest.Alone(request, Target);
        Assert.Equal(plain.Tokens, answer.Tokens);
        return (answer, executor.Ticks, engine.Statistics.Speculation);
    }

    /// <summary>The fake vocabulary with one difference.</summary>
    private sealed class ChangedTokenizer(string change) : ITokenizer
    {
        private readonly FakeTokenizer _same = new();

        public int VocabularySize => change == "size" ? _same.VocabularySize - 1 : _same.VocabularySize;

        public int? BosId => _same.BosId;

        public int? EosId => change == "eos" ? _same.EosId + 1 : _same.EosId;

        public IReadOnlySet<int> EndOfGenerationIds => change == "end" ? new HashSet<int>() : _same.EndOfGenerationIds;

        public bool StripsLeadingSpace => _same.StripsLeadingSpace;

        public void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default) =>
            _same.Encode(text, addSpecial, literal, ids, cancellation);

        public ReadOnlySpan<byte> BytesOf(int id) => _same.BytesOf(id);

        public string PieceOf(int id) => change == "piece" && id == 70 ? "changed" : _same.PieceOf(id);

        public TokenKind KindOf(int id) => _same.KindOf(id);
    }
}
