using LlmServe.Cli.Models;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.App;

/// <summary>What commands work with; tests put their own in.</summary>
/// <param name="Console">The streams.</param>
/// <param name="Interrupts">Ctrl-C and termination.</param>
/// <param name="Models">Finds and loads models.</param>
internal sealed record CliServices(CliConsole Console, Interrupts Interrupts, ModelLoader Models)
{
    /// <summary>The environment's variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = OfProcess();

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
