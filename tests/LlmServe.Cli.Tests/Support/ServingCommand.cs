using LlmServe.Hosting;
using LlmServe.Testing;
using LlmServe.Testing.Fakes;

namespace LlmServe.Cli.Tests.Support;

/// <summary><c>llmserve serve</c> at work in this process, with a fake model; disposal ends it.</summary>
internal sealed class ServingCommand : IAsyncDisposable
{
    private readonly CliHarness _harness;
    private readonly Task<CliResult> _run;

    private ServingCommand(CliHarness harness, Task<CliResult> run)
    {
        _harness = harness;
        _run = run;
    }

    /// <summary>Where it listens.</summary>
    public string Address => _harness.Out.Split('\n')[0].Split(" at ")[1];

    /// <summary>Starts it and waits until it serves.</summary>
    public static async Task<ServingCommand> StartAsync(string[] options, IReadOnlyDictionary<string, string>? environment = null)
    {
        var finder = new ModelFinder(_ => null, [TestData.RepositoryRoot]);
        var models = new ModelLoader(finder, (_, _, _) => new FakeExecutor(new FakeExecutorOptions { VocabularySize = 49152 }));
        var harness = new CliHarness(models: models, environment: environment);
        var run = harness.RunAsync(["serve", .. options]);
        await await Task.WhenAny(harness.FirstOutput, run);
        return new ServingCommand(harness, run);
    }

    public async ValueTask DisposeAsync()
    {
        _harness.Interrupts.RaiseTermination();
        Assert.Equal("", (await _run).Error);
    }
}
