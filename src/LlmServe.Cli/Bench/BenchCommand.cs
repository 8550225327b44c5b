using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;

namespace LlmServe.Cli.Bench;

/// <summary><c>llmserve bench</c>.</summary>
internal static class BenchCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var command = new Command("bench", "Measure prefill and decode, and how near decode is to the memory's read bandwidth");
        var options = BenchOptions.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var settings = options.Read(parsed);
            var results = await new BenchSession(services, settings).RunAsync(services.Interrupts.Token);
            var report = new BenchReport(MachineInfo.Current(), settings.Plan, results);
            if (parsed.GetValue(options.Json))
            {
                JsonLines.WriteObject(services.Console.Out, writer => BenchJson.Write(writer, report));
            }
            else
            {
                BenchMarkdown.Write(services.Console.Out, report);
            }

            return ExitCode.Ok;
        });
        return command;
    }
}
