using LlmServe.Client;
using LlmServe.Engine;
using LlmServe.Server;
using LlmServe.Serving;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;
using LlmServe.Text;
using LlmServe.V1;

namespace LlmServe.Hosting.Tests;

/// <summary>From a file to answers, in a few lines.</summary>
public sealed class HostedServerTests
{
    private static readonly ModelFinder Finder = new(_ => null, [TestData.RepositoryRoot]);

    [Fact]
    public async Task StartAsync_OfModel_Generates()
    {
        await using var model = await HostedModel.StartAsync(loader: Loader());
        var updates = model.Engine.Submit(
            new GenerationRequest { Prompt = model.Tokenizer.Encode("Once"), MaxTokens = 3, IgnoreEndOfGeneration = true }, CancellationToken.None);
        int tokens = 0;
        await foreach (var update in updates.ReadAllAsync())
        {
            tokens += update.Tokens.Count;
        }

        Assert.Equal(3, tokens);
        Assert.Equal("smollm2-135m-instruct.q4_1", model.Served.Id);
        Assert.NotNull(model.Served.Template);
        Assert.Null(model.TemplateProblem);
        Assert.Equal("smollm2-135m-instruct.q4_1 on fake", model.Description);
    }

    [Fact]
    public async Task StartAsync_OfServer_Serves()
    {
        await using var server = await HostedServer.StartAsync(options: new ServerOptions { Port = 0 }, loader: Loader());
        using var client = new LlmServeClient(server.Address);
        int tokens = 0;
        await foreach (var delta in client.GenerateAsync(new GenerateRequest { Text = "Once", Options = new() { MaxTokens = 3, IgnoreEndOfGeneration = true } }))
        {
            tokens += delta.TokenIds.Count;
        }

        Assert.Equal(3, tokens);
        await server.StopAsync();
    }

    [Fact]
    public async Task StartAsync_WithWrongOptions_NamesThemAndFreesTheModel()
    {
        FakeExecutor? executor = null;
        var loader = Loader(made => executor = made);
        Assert.Equal("Host", (await Assert.ThrowsAsync<OptionException>(
            () => HostedServer.StartAsync(options: new ServerOptions { Host = "nowhere" }, loader: loader))).Option);
        Assert.True(executor!.IsDisposed);
        Assert.Equal("Path", (await Assert.ThrowsAsync<OptionException>(
            () => HostedModel.StartAsync(new ModelSettings { Path = "/no/such.gguf" }, loader: loader))).Option);
        Assert.Equal("Draft", (await Assert.ThrowsAsync<OptionException>(
            () => HostedModel.StartAsync(new ModelSettings { Draft = TestData.Local("golden", "tiny", "llama.gguf") }, loader: loader))).Option);
        Assert.True(executor.IsDisposed);
    }

    [Fact]
    public async Task StartAsync_WithWatcher_TellsItWhatIsLoaded()
    {
        var watcher = new Watcher();
        await using var model = await HostedModel.StartAsync(loader: Loader(), watcher: watcher);
        Assert.Equal(["SmolLM2-135M-Instruct.Q4_1.gguf"], watcher.Titles);
        Assert.Empty(watcher.Notes);
    }

    private static ModelLoader Loader(Action<FakeExecutor>? made = null) => new(Finder, (_, _, _) =>
    {
        var executor = new FakeExecutor(new FakeExecutorOptions { VocabularySize = 49152 });
        made?.Invoke(executor);
        return executor;
    });

    private sealed class Watcher : ILoadWatcher
    {
        public List<string> Titles { get; } = [];

        public List<string> Notes { get; } = [];

        public Task<LoadedModel> RunAsync(string title, Func<IProgress<Cpu.LoadProgress>?, LoadedModel> load, CancellationToken cancellation)
        {
            Titles.Add(title);
            return Task.Run(() => load(null), cancellation);
        }

        public void Note(string line) => Notes.Add(line);
    }
}
