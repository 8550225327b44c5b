using LlmServe.Cli.Terminal;
using LlmServe.Hosting;

namespace LlmServe.Cli.App;

/// <summary>What commands work with; tests put their own in.</summary>
/// <param name="Console">The streams.</param>
/// <param name="Interrupts">Ctrl-C and termination.</param>
/// <param name="Models">Finds and loads models.</param>
internal sealed record CliServices(CliConsole Console, Interrupts Interrupts, ModelLoader Models)
{
    /// <summary>The environment's variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = OfProcess();

    /// <summary>
    /// Runs work that may sit in a call that nothing can end: a read from a pipe into which nobody writes, a file on a network that is gone. Ctrl-C leaves it behind, and
    /// the process ends without it.
    /// </summary>
    /// <exception cref="OperationCanceledException">Ctrl-C, or the program is to end.</exception>
    public Task<T> LeaveOnInterruptAsync<T>(Func<T> work) => Task.Run(work, Interrupts.Token).WaitAsync(Interrupts.Token);

    /// <summary>Loads a model, with a progress bar where a person sees it.</summary>
    public Task<LoadedModel> LoadAsync(ModelSettings settings, CancellationToken cancellation) =>
        Models.LoadAsync(settings, new ConsoleLoadWatcher(Console), cancellation);

    private static Dictionary<string, string> OfProcess()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (System.Collections.DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            variables[(string)variable.Key] = variable.Value as string ?? "";
        }

        return variables;
    }
}
