using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cpu.Profile;

namespace LlmServe.Cli.Bench;

/// <summary><c>llmserve bench</c>.</summary>
internal static class BenchCommand
{
    private static readonly TimeSpan InterruptPatience = TimeSpan.FromSeconds(0.5);

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var command = new Command("bench", "Measure prefill and decode, and how near decode is to the memory's read bandwidth");
        var options = BenchOptions.AddTo(command);
        command.SetAction(async (parsed, _) =>
        {
            var settings = options.Read(parsed);
            var neighbours = new NeighbourLoad();
            var results = await RunAsync(new BenchSession(services, settings), services.Interrupts.Token);
            var report = new BenchReport(MachineInfo.Current(), settings.Plan, results, NoiseResult.Of(neighbours.Share, results));
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

    /// <summary>
    /// Measures until Ctrl-C. A tick of a large model, or a measurement of the machine, takes longer than a person waits: what is still running a moment after Ctrl-C is
    /// left to end with the process.
    /// </summary>
    private static async Task<IReadOnlyList<ModelResult>> RunAsync(BenchSession session, CancellationToken cancellation)
    {
        var work = Task.Run(() => session.RunAsync(cancellation), CancellationToken.None);
        var interrupted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellation.Register(interrupted.SetResult);
        if (await Task.WhenAny(work, interrupted.Task) != work && await Task.WhenAny(work, Task.Delay(InterruptPatience, CancellationToken.None)) != work)
        {
            session.DeleteTemporaryFile();
            throw new OperationCanceledException(cancellation);
        }

        return await work;
    }
}
