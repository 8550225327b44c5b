using LlmServe.Engine;
using LlmServe.Testing.Fakes;
using LlmServe.Text.Templates;

namespace LlmServe.Serving.Tests;

/// <summary>A core on a fake model.</summary>
internal sealed class TestCore : IAsyncDisposable
{
    /// <summary>Longest that a test waits for something that should happen at once.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public TestCore(ServingOptions? options = null, FakeExecutorOptions? executor = null, EngineOptions? engine = null)
    {
        Executor = new FakeExecutor(executor);
        Engine = new LlmEngine(Executor, new FakeTokenizer(), engine ?? new EngineOptions());
        Core = new ServingCore(
            [new ServedModel { Id = "fake", Engine = Engine, Template = ChatTemplate.Parse("{% for m in messages %}{{ m.content }}{% endfor %}") }],
            options ?? new ServingOptions());
        Model = Core.Models.All[0];
    }

    public FakeExecutor Executor { get; }

    public LlmEngine Engine { get; }

    public ServingCore Core { get; }

    public ServedModel Model { get; }

    /// <summary>A call of a client.</summary>
    public ServedCall Call(string client = "somebody", CancellationToken aborted = default, bool isStream = false) =>
        new() { Method = "test", Client = Core.Clients.OfAddress(client), Aborted = aborted, IsStream = isStream };

    /// <summary>A generation from a text.</summary>
    public GenerationInput Input(string text, int? maxTokens = 5) => new()
    {
        Model = Model,
        Prompt = new TextPrompt(text) { Field = "text" },
        Settings = new GenerationSettings { MaxTokens = maxTokens, IgnoreEndOfGeneration = true },
    };

    public async ValueTask DisposeAsync()
    {
        Executor.Gate.Open();
        Core.Dispose();
        await Engine.DisposeAsync();
    }
}
