using System.Threading.Channels;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

/// <summary>A whole answer.</summary>
internal sealed record Answer(int[] Tokens, string Text, FinishReason Reason, Usage Usage, Timings Timings, TokenLogProbability[] LogProbabilities);

/// <summary>What engine tests share.</summary>
internal static class EngineTest
{
    /// <summary>Longer than any test should take; a hang then fails instead of blocking the run.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static FakeTokenizer Tokenizer { get; } = new();

    public static LlmEngine Start(FakeExecutor executor, EngineOptions? options = null) => new(executor, Tokenizer, options ?? new EngineOptions());

    public static GenerationRequest Request(string prompt, int? maxTokens = null, SamplingOptions? sampling = null) =>
        new() { Prompt = Tokenizer.Ids(prompt), MaxTokens = maxTokens, Sampling = sampling ?? new SamplingOptions() };

    /// <summary>Random printable text of about this many tokens.</summary>
    public static int[] RandomPrompt(Random random, int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(32, 127))];

    /// <summary>Reads a stream to its end, and checks that exactly its last update is final.</summary>
    public static async Task<Answer> Collect(ChannelReader<GenerationUpdate> reader)
    {
        var tokens = new List<int>();
        var logProbabilities = new List<TokenLogProbability>();
        string text = "";
        GenerationUpdate? last = null;
        using var timeout = new CancellationTokenSource(Patience);
        await foreach (var update in reader.ReadAllAsync(timeout.Token))
        {
            Assert.True(last is null or { FinishReason: FinishReason.None, Usage: null, Timings: null }, "an update follows the final one");
            tokens.AddRange(update.Tokens);
            logProbabilities.AddRange(update.LogProbabilities ?? []);
            text += update.Text;
            last = update;
        }

        Assert.NotNull(last?.Usage);
        Assert.NotNull(last.Timings);
        Assert.NotEqual(FinishReason.None, last.FinishReason);
        Assert.Equal(tokens.Count, last.Usage.CompletionTokens);
        return new Answer([.. tokens], text, last.FinishReason, last.Usage, last.Timings, [.. logProbabilities]);
    }

    /// <summary>The answer that a request gets when nobody else is there.</summary>
    public static async Task<Answer> Alone(GenerationRequest request, FakeExecutorOptions? model = null)
    {
        await using var engine = Start(new FakeExecutor(model));
        return await Collect(engine.Submit(request, CancellationToken.None));
    }
}
