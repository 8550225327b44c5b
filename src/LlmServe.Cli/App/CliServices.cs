using LlmServe.Cli.Models;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.App;

/// <summary>What commands work with; tests put their own in.</summary>
/// <param name="Console">The streams.</param>
/// <param name="Interrupts">Ctrl-C and termination.</param>
/// <param name="Models">Finds and loads models.</param>
internal sealed record CliServices(CliConsole Console, Interrupts Interrupts, ModelLoader Models);
