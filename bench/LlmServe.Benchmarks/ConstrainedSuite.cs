using BenchmarkDotNet.Attributes;
using LlmServe.Constraints;
using LlmServe.Cpu;
using LlmServe.Engine;
using LlmServe.Gguf;
using LlmServe.Text;

namespace LlmServe.Benchmarks;

/// <summary>
/// Sixteen streams of the embedded model, free and constrained: tokens per second beside each other say what masks cost, and what certain tokens save. Run it alone:
/// the engine's lanes take all processors.
/// </summary>
public class ConstrainedSuite : ICountsWork
{
    private const int Streams = 16;
    private const int Tokens = 64;
    private const string Form =
        """{"type":"object","properties":{"description of the first thing":{"type":"integer","minimum":0,"maximum":9},"description of the second thing":{"type":"boolean"},"description of the third thing":{"enum":["a short one","a rather long one"]}},"required":["description of the first thing","description of the second thing","description of the third thing"],"additionalProperties":false}""";

    private GgufFile? _file;
    private LlmEngine? _engine;
    private ConstraintVocabulary? _vocabulary;
    private TokenConstraint? _constraint;

    /// <summary>What answers must be like.</summary>
    [Params("free", "words", "json", "forced")]
    public string Rule { get; set; } = "free";

    public static double WorkOf(string method, Func<string, object> parameter) => Streams * Tokens;

    [GlobalSetup]
    public void Setup()
    {
        _file = GgufFile.Open(EmbeddedModel.Path);
        var tokenizer = TokenizerFactory.Create(_file.Metadata);
        _engine = new LlmEngine(CpuBackend.Load(_file, new CpuOptions { MaxSequences = Streams, ContextLength = 512 }), tokenizer, new EngineOptions { Speculate = 0 });
        _vocabulary = new ConstraintVocabulary(tokenizer);
        _constraint = Rule switch
        {
            "words" => Compile(new ConstraintRule(ConstraintKind.Regex, "[a-z]+( [a-z]+){400}")),
            "json" => Compile(new ConstraintRule(ConstraintKind.JsonSchema, """{"type":"array","items":{"type":"string","minLength":3},"minItems":200}""")),
            "forced" => Compile(new ConstraintRule(ConstraintKind.JsonSchema, $$"""{"type":"array","items":{{Form}},"minItems":50}""")),
            _ => null,
        };
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _engine!.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _file!.Dispose();
    }

    [Benchmark]
    public int SixteenStreams() => Task.WhenAll(Enumerable.Range(0, Streams).Select(RunAsync)).GetAwaiter().GetResult().Sum();

    private async Task<int> RunAsync(int stream)
    {
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(100 * (stream + 1), 16)], MaxTokens = Tokens, IgnoreEndOfGeneration = true, Constraint = _constraint,
            Sampling = new SamplingOptions { Temperature = 0.8f, TopP = 0.95f, Seed = (ulong)stream },
        };
        int tokens = 0;
        await foreach (var update in _engine!.Submit(request, CancellationToken.None).ReadAllAsync())
        {
            tokens += update.Tokens.Count;
        }

        return tokens;
    }

    private TokenConstraint Compile(ConstraintRule rule) =>
        TokenConstraint.Create(ConstraintGrammar.Compile(rule, _vocabulary), _vocabulary!, TimeSpan.FromMilliseconds(20));
}
