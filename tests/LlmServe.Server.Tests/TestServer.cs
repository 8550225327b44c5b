using System.Collections.Concurrent;
using System.Text;
using LlmServe.Client;
using LlmServe.Engine;
using LlmServe.Serving;
using LlmServe.Testing.Fakes;
using LlmServe.Text.Templates;
using LlmServe.V1;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ChatMessage = LlmServe.V1.ChatMessage;

namespace LlmServe.Server.Tests;

/// <summary>A server on a free loopback port with a fake model, and a client of it.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    /// <summary>The fake model's answer to every chat.</summary>
    public const string Answer = "Hello, world!";

    /// <summary>
    /// Refuses a message that says "refuse", fails on one that says "fail", and else writes the conversation in the fake tokenizer's control tokens.
    /// </summary>
    public const string Template =
        "{% for m in messages %}{% if m.content == 'refuse' %}{{ raise_exception('this model refuses') }}{% endif %}"
        + "{% if m.content == 'fail' %}{{ m.content + 1 }}{% endif %}"
        + "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        + "{% if tools %}{{ tools | tojson }}{% endif %}{% if mood %}{{ mood | tojson }}{% endif %}"
        + "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private readonly List<LlmEngine> _engines = [];

    public FakeTokenizer Tokenizer { get; } = new();

    /// <summary>The first model's executor.</summary>
    public FakeExecutor Executor => Executors[0];

    /// <summary>The first model's engine.</summary>
    public LlmEngine Engine => _engines[0];

    public List<FakeExecutor> Executors { get; } = [];

    /// <summary>Every token history that the fake models were asked to continue, oldest first, as text.</summary>
    public ConcurrentQueue<string> Histories { get; } = new();

    public LogCollector Logs { get; } = new();

    public LlmServeHost Host { get; private set; } = null!;

    public LlmServeClient Client { get; private set; } = null!;

    /// <summary>Starts a server with one model, "fake".</summary>
    public static Task<TestServer> StartAsync(
        FakeExecutorOptions? executor = null, EngineOptions? engine = null, ServerOptions? options = null) =>
        StartAsync(options, server => [server.Model("fake", Template, executor, engine)]);

    /// <summary>Starts a server with the models that <paramref name="models"/> makes.</summary>
    public static async Task<TestServer> StartAsync(ServerOptions? options, Func<TestServer, IReadOnlyList<ServedModel>> models)
    {
        var server = new TestServer();
        server.Host = await LlmServeHost.StartAsync(
            models(server), (options ?? new ServerOptions { GracePeriod = TimeSpan.FromSeconds(5) }) with { Port = 0 }, server.Logs);
        server.Client = server.Connect();
        return server;
    }

    /// <summary>One more client of the server.</summary>
    public LlmServeClient Connect(LlmServeClientOptions? options = null) => new(Host.Address, options);

    /// <summary>A model that gives <see cref="Answer"/> to every chat, and to other prompts pseudo-random tokens.</summary>
    public ServedModel Model(string id, string? template, FakeExecutorOptions? executor = null, EngineOptions? engine = null)
    {
        executor ??= new FakeExecutorOptions();
        var next = executor.Next ?? FakeScript.After(Tokenizer, "<|im_start|>assistant\n", Answer, endId: FakeTokenizer.ImEnd);
        Executors.Add(new FakeExecutor(executor with { Next = history => next(Record(history)) }));
        _engines.Add(new LlmEngine(Executors[^1], Tokenizer, engine ?? new EngineOptions()));
        return new ServedModel
        {
            Id = id,
            Name = $"{id} model",
            Engine = _engines[^1],
            Quantization = "F0",
            ParameterCount = 42,
            Template = template is null ? null : ChatTemplate.Parse(template),
            TemplateSource = template ?? "",
        };
    }

    /// <summary>A chat of one user message.</summary>
    public static ChatRequest Chat(string content, GenerationOptions? options = null) =>
        new() { Messages = { new ChatMessage { Role = "user", Content = content } }, Options = options };

    /// <summary>Text of token ids, control tokens included.</summary>
    public string TextOf(ReadOnlySpan<int> ids)
    {
        var bytes = new List<byte>();
        foreach (int id in ids)
        {
            bytes.AddRange(Tokenizer.BytesOf(id));
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var executor in Executors)
        {
            executor.Gate.Open();
        }

        Client.Dispose();
        await Host.DisposeAsync();
        foreach (var engine in _engines)
        {
            await engine.DisposeAsync();
        }
    }

    private ReadOnlySpan<int> Record(ReadOnlySpan<int> history)
    {
        Histories.Enqueue(TextOf(history));
        return history;
    }
}

/// <summary>Keeps what the server itself logs, without what the libraries below it log.</summary>
internal sealed class LogCollector : ILoggerFactory, ILogger
{
    /// <summary>Event number, message and exception of each entry.</summary>
    public ConcurrentQueue<(int Event, string Message, Exception? Exception)> Entries { get; } = new();

    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("LlmServe", StringComparison.Ordinal) ? this : NullLogger.Instance;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Entries.Enqueue((eventId.Id, formatter(state, exception), exception));

    /// <summary>Waits for the first entry of an event; calls end for their clients a moment before they end for the log.</summary>
    public async Task<string> WaitForAsync(int number)
    {
        using var patience = new CancellationTokenSource(Calls.Patience);
        while (true)
        {
            foreach (var entry in Entries)
            {
                if (entry.Event == number)
                {
                    return entry.Message;
                }
            }

            await Task.Delay(1, patience.Token);
        }
    }

    public void Dispose()
    {
    }
}
