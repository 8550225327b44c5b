using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

public class RequestValidatorTests
{
    private const int Context = 100;
    private static readonly GenerationRequest Good = new() { Prompt = [1, 2, 3] };

    public static TheoryData<string, string, GenerationRequest> Wrong()
    {
        var data = new TheoryData<string, string, GenerationRequest>
        {
            { "prompt", "empty", Good with { Prompt = [] } },
            { "prompt", "token 320 at index 1", Good with { Prompt = [1, 320] } },
            { "prompt", "token -1 at index 0", Good with { Prompt = [-1] } },
            { "prompt", "has 100 tokens, but the context holds 100", Good with { Prompt = new int[100] } },
            { "prompt", "has 5000 tokens, but the context holds 100", Good with { Prompt = new int[5000] } },
            { "max_tokens", "found 0", Good with { MaxTokens = 0 } },
            { "max_tokens", "found -5", Good with { MaxTokens = -5 } },
            { "log_probabilities", "0 to 20; found 21", Good with { LogProbabilities = 21 } },
            { "log_probabilities", "found -1", Good with { LogProbabilities = -1 } },
            { "stop", "has 17 texts; at most 16", Good with { Stop = [.. Enumerable.Repeat("x", 17)] } },
            { "stop", "text 1 is empty", Good with { Stop = ["x", ""] } },
            { "stop", "has 1025 characters; at most 1024", Good with { Stop = [new string('x', 1025)] } },
            { "stop", "half of a surrogate pair", Good with { Stop = ["a\ud83d"] } },
        };
        void Sampling(string field, string part, SamplingOptions options) => data.Add(field, part, Good with { Sampling = options });
        Sampling("temperature", "found NaN", new() { Temperature = float.NaN });
        Sampling("temperature", "found -0.1", new() { Temperature = -0.1f });
        Sampling("temperature", "finite", new() { Temperature = float.PositiveInfinity });
        Sampling("top_k", "found -1", new() { TopK = -1 });
        Sampling("top_p", "found 0", new() { TopP = 0 });
        Sampling("top_p", "found 1.5", new() { TopP = 1.5f });
        Sampling("top_p", "found NaN", new() { TopP = float.NaN });
        Sampling("min_p", "found -1", new() { MinP = -1 });
        Sampling("min_p", "found 1.01", new() { MinP = 1.01f });
        Sampling("min_p", "found NaN", new() { MinP = float.NaN });
        Sampling("repetition_penalty", "found 0", new() { RepetitionPenalty = 0 });
        Sampling("repetition_penalty", "found NaN", new() { RepetitionPenalty = float.NaN });
        Sampling("repetition_window", "found -1", new() { RepetitionWindow = -1 });
        Sampling("frequency_penalty", "found NaN", new() { FrequencyPenalty = float.NaN });
        Sampling("presence_penalty", "found NaN", new() { PresencePenalty = float.NaN });
        Sampling("dry_multiplier", "found -1", new() { DryMultiplier = -1 });
        Sampling("dry_base", "found 0.5", new() { DryBase = 0.5f });
        Sampling("dry_allowed_length", "found 0", new() { DryAllowedLength = 0 });
        Sampling("dry_window", "found -1", new() { DryWindow = -1 });
        Sampling("dry_breakers", "text 0 is empty", new() { DryBreakers = [""] });
        Sampling("xtc_probability", "found 1.5", new() { XtcProbability = 1.5f });
        Sampling("xtc_threshold", "found 0", new() { XtcThreshold = 0 });
        Sampling("choice", "found -1", new() { Choice = -1 });
        Sampling("logit_bias", "token 320 is not in the vocabulary", new() { LogitBias = new Dictionary<int, float> { [320] = 1 } });
        Sampling("logit_bias", "token -1 is not in the vocabulary", new() { LogitBias = new Dictionary<int, float> { [-1] = 1 } });
        Sampling("logit_bias", "found NaN", new() { LogitBias = new Dictionary<int, float> { [1] = float.NaN } });
        Sampling("logit_bias", "forbids all 320 tokens", new() { LogitBias = Enumerable.Range(0, 320).ToDictionary(id => id, _ => float.NegativeInfinity) });
        return data;
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task Submit_WrongRequest_NamesTheFieldAndWhatWasFound(string field, string part, GenerationRequest request)
    {
        await using var engine = EngineTest.Start(new FakeExecutor(new FakeExecutorOptions { ContextLength = Context }));

        var failure = Assert.Throws<EngineException>(() => engine.Submit(request, CancellationToken.None));

        Assert.Equal(EngineError.InvalidArgument, failure.Error);
        Assert.Equal(field, failure.Field);
        Assert.StartsWith(field, failure.Message, StringComparison.Ordinal);
        Assert.Contains(part, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_GoodRequest_CopiesThePrompt()
    {
        int[] prompt = [1, 2, 3];
        int[] copy = RequestValidator.Check(Good with { Prompt = prompt }, 320, 320, Context);
        prompt[0] = 9;
        Assert.Equal([1, 2, 3], copy);
    }

    [Fact]
    public void Check_ExtremesThatAreAllowed_Pass()
    {
        var sampling = new SamplingOptions
        {
            Temperature = 100, TopP = 1, MinP = 1, TopK = int.MaxValue, LogitBias = new Dictionary<int, float> { [0] = float.NegativeInfinity },
        };
        RequestValidator.Check(
            Good with { Prompt = new int[99], MaxTokens = int.MaxValue, LogProbabilities = 20, Stop = [new string('x', 1024)], Sampling = sampling },
            320, 320, Context);
    }
}
