using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Bench;
using LlmServe.Cli.Quantize;

namespace LlmServe.Cli.Commands;

/// <summary>The commands of <c>llmserve</c>, in the order in which help shows them.</summary>
internal static class CommandList
{
    /// <summary>One factory per command.</summary>
    public static IReadOnlyList<Func<CliServices, Command>> All { get; } =
    [
        ChatCommand.Create,
        RunCommand.Create,
        ServeCommand.Create,
        HealthCommand.Create,
        PlanCommand.Create,
        TokenizeCommand.Create,
        RenderCommand.Create,
        ConstrainCommand.Create,
        InspectCommand.Create,
        ModelsCommand.Create,
        CompileCommand.Create,
        LogitsCommand.Create,
        QuantizeCommand.Create,
        BenchCommand.Create,
        LoadTestCommand.Create,
        CompletionCommand.Create,
        ManCommand.Create,
    ];
}
