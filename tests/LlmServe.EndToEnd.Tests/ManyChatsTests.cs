using LlmServe.Cpu;
using LlmServe.EndToEnd.Tests.Support;
using LlmServe.Engine;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text;
using FinishReason = LlmServe.Engine.FinishReason;

namespace LlmServe.EndToEnd.Tests;

/// <summary>
/// 64 greedy chats at once on the embedded model: mixed lengths, arrivals that follow each other's progress, cancellations, several clients and
/// priorities, and so little KV memory that sequences lose their blocks and are recomputed. Every answer has the bits that it has alone.
/// </summary>
public sealed class ManyChatsTests(ChatsAlone alone) : IClassFixture<ChatsAlone>
{
    private const int KvBlocks = 14;

    // Every pair of settings occurs.
    [Theory]
    [InlineData(1, false, false)]
    [InlineData(1, true, true)]
    [InlineData(2, false, true)]
    [InlineData(2, true, false)]
    public async Task Submit_SixtyFourChats_GiveTheBitsOfEachAlone(int lanes, bool speculation, bool prefixCache)
    {
        var expected = await alone.AnswersAsync();
        var options = new EngineOptions { Speculate = speculation ? 3 : 0, PrefixCache = prefixCache, StreamCapacity = 8 };
        await using var engine = alone.Start(lanes, options, KvBlocks);
        var random = new Random(lanes);
        var chats = new RunningChat[ChatsAlone.Count];
        for (int i = 0; i < chats.Length; i++)
        {
            var after = i < 16 ? Task.CompletedTask : chats[random.Next(i - 12, i)].Underway;
            int cancelAfter = i >= ChatsAlone.Long && random.Next(5) == 0 ? random.Next(0, 5) : int.MaxValue;
            chats[i] = new RunningChat(engine, ChatsAlone.Requests[i], after, underwayAfter: random.Next(0, 6), cancelAfter);
        }

        var answers = await Task.WhenAll(chats.Select(chat => chat.Answer));

        int finished = 0;
        for (int i = 0; i < answers.Length; i++)
        {
            bool cancelled = answers[i].Reason == FinishReason.Cancelled;
            Assert.True(cancelled ? chats[i].CancelAfter < int.MaxValue : answers[i].Reason == expected[i].Reason, $"chat {i}: {answers[i].Reason}");
            AssertSameBits(i, expected[i].Tokens.AsSpan(0, cancelled ? answers[i].Tokens.Length : expected[i].Tokens.Length), answers[i].Tokens);
            finished += cancelled ? 0 : 1;
        }

        var statistics = engine.Statistics;
        Assert.InRange(finished, 40, ChatsAlone.Count - 1);
        Assert.True(statistics.Preemptions > 0, "the cache was meant to be too small");
        Assert.Equal(speculation, statistics.Speculation.Drafted > 0);
        Assert.Equal(prefixCache, statistics.CachedPromptTokens > 0);
        Assert.Equal((0, 0, KvBlocks), (statistics.Running, statistics.Waiting, statistics.FreeKvBlocks));
    }

    private static void AssertSameBits(int chat, ReadOnlySpan<TokenLogProbability> expected, ReadOnlySpan<TokenLogProbability> found)
    {
        Assert.True(expected.Length == found.Length, $"chat {chat}: {found.Length} tokens, alone {expected.Length}");
        for (int i = 0; i < found.Length; i++)
        {
            Assert.True(Bits(expected[i]).SequenceEqual(Bits(found[i])), $"chat {chat}, token {i}: {found[i]}, alone {expected[i]}");
        }
    }

    /// <summary>Token and log-probability, of the choice and of its alternatives.</summary>
    private static IEnumerable<(int Token, int Bits)> Bits(TokenLogProbability report) =>
        report.Top.Select(pair => (pair.Key, BitConverter.SingleToInt32Bits(pair.Value)))
            .Prepend((report.Token, BitConverter.SingleToInt32Bits(report.LogProbability)));
}

/// <summary>How a chat ended, and its tokens.</summary>
internal sealed record ChatAnswer(FinishReason Reason, TokenLogProbability[] Tokens);

/// <summary>A client that submits, reads, and may hang up.</summary>
internal sealed class RunningChat
{
    private readonly TaskCompletionSource _underway = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int _underwayAfter;

    public RunningChat(LlmEngine engine, GenerationRequest request, Task after, int underwayAfter, int cancelAfter)
    {
        _underwayAfter = underwayAfter;
        CancelAfter = cancelAfter;
        Answer = Task.Run(() => RunAsync(engine, request, after));
    }

    /// <summary>Tokens after which the client hangs up.</summary>
    public int CancelAfter { get; }

    /// <summary>Completes when some tokens have come, or no more come.</summary>
    public Task Underway => _underway.Task;

    public Task<ChatAnswer> Answer { get; }

    private async Task<ChatAnswer> RunAsync(LlmEngine engine, GenerationRequest request, Task after)
    {
        await after;
        try
        {
            using var cancellation = new CancellationTokenSource();
            var tokens = new List<TokenLogProbability>();
            var reason = FinishReason.None;
            await foreach (var update in engine.Submit(request, cancellation.Token).ReadAllAsync())
            {
                tokens.AddRange(update.LogProbabilities ?? []);
                reason = update.FinishReason;
                if (tokens.Count >= _underwayAfter)
                {
                    _underway.TrySetResult();
                }

                if (tokens.Count >= CancelAfter)
                {
                    await cancellation.CancelAsync();
                }
            }

            return new ChatAnswer(reason, [.. tokens]);
        }
        finally
        {
            _underway.TrySetResult();
        }
    }
}

/// <summary>The chats, and the answers that each of them gets alone.</summary>
public sealed class ChatsAlone : IDisposable
{
    /// <summary>Chats.</summary>
    internal const int Count = 64;

    /// <summary>
    /// The first so many have short prompts, long answers of three or four blocks each, and the highest priority: they are let in together and outgrow
    /// the cache together.
    /// </summary>
    internal const int Long = 6;

    private const int MaxRows = 64;

    private readonly GgufFile _file = GgufFile.Open(TestData.EmbeddedModel);
    private readonly ITokenizer _tokenizer;
    private Task<ChatAnswer[]>? _answers;

    public ChatsAlone() => _tokenizer = TokenizerFactory.Create(_file.Metadata);

    internal static GenerationRequest[] Requests { get; } = Create();

    /// <summary>The answers of all chats, one after the other, without any cache.</summary>
    internal Task<ChatAnswer[]> AnswersAsync() => _answers ??= RunAsync();

    /// <summary>An engine on the embedded model.</summary>
    internal LlmEngine Start(int lanes, EngineOptions options, int kvBlocks)
    {
        var compile = new CpuOptions { Lanes = lanes, MaxSequences = 12, MaxRowsPerTick = MaxRows };
        long blockBytes = (long)30 * 3 * 64 * 2 * 32 * sizeof(ushort); // layers, heads, head size, keys and values, positions
        var executor = CpuBackend.Load(_file, compile with { KvBytes = kvBlocks * blockBytes });
        Assert.Equal((kvBlocks, blockBytes), (executor.Memory.KvGroups[0].Blocks, executor.Memory.KvGroups[0].BlockBytes));
        return new LlmEngine(executor, _tokenizer, options);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private async Task<ChatAnswer[]> RunAsync()
    {
        await using var engine = Start(2, new EngineOptions { PrefixCache = false, Speculate = 0 }, 16);
        var answers = new ChatAnswer[Count];
        for (int i = 0; i < Count; i++)
        {
            answers[i] = await new RunningChat(engine, Requests[i], Task.CompletedTask, 0, int.MaxValue).Answer;
        }

        return answers;
    }

    /// <summary>Stretches of real prompts; every third chat starts with the same system prompt.</summary>
    private static GenerationRequest[] Create()
    {
        var random = new Random(64);
        int[] text = [.. GreedyCase.All.SelectMany(chat => chat.PromptIds)];
        var system = text.AsSpan(0, 70);
        var requests = new GenerationRequest[Count];
        for (int i = 0; i < Count; i++)
        {
            // Lengths from 10 to 200, short ones more often.
            int length = (int)(10 * Math.Pow(i < Long ? 3 : 20, random.NextDouble()));
            int[] prompt = [.. text.AsSpan(random.Next(text.Length - length), length)];
            requests[i] = new GenerationRequest
            {
                Prompt = i % 3 == 2 && i >= Long ? [.. system, .. prompt] : prompt,
                MaxTokens = i < Long ? random.Next(66, 76) : random.Next(4, 25),
                IgnoreEndOfGeneration = i < Long || random.Next(2) == 0,
                LogProbabilities = 2,
                Client = i < Long || random.Next(3) == 0 ? null : $"client {random.Next(3)}",
                Priority = i < Long ? 10 : random.Next(3) == 0 ? random.Next(-10, 10) : 0,
            };
        }

        return requests;
    }
}
