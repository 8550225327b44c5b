using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Options;
using LlmServe.Cli.Terminal;
using LlmServe.Cpu;
using LlmServe.Gguf;
using LlmServe.Quantizer;

namespace LlmServe.Cli.Quantize;

/// <summary><c>llmserve quantize IN OUT --to RECIPE</c>: a model's weights in another format.</summary>
internal static class QuantizeCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var input = new Argument<string>("IN") { Description = "GGUF file with the weights, best in 16 bits" };
        var output = new Argument<string>("OUT") { Description = "GGUF file to write" };
        var json = OptionFactory.Switch("--json", "Print one JSON object");
        var command = new Command("quantize", "Make a model smaller: write its weights in another format") { input, output };
        var options = QuantizeOptions.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, _) =>
        {
            var settings = options.Read(parsed);
            string path = parsed.GetRequiredValue(output);
            if (!settings.IsDryRun)
            {
                QuantizedFile.RequireNew(path, settings.Overwrites);
            }

            using var source = services.Models.Open(parsed.GetRequiredValue(input));
            RequireOther(source, path);
            var report = await LoadProgressBar.RunAsync(
                services.Console, Path.GetFileName(path), progress => Run(source, path, settings, progress, services.Interrupts.Token), services.Interrupts.Token);
            report.Write(services.Console, parsed.GetValue(json));
            return ExitCode.Ok;
        });
        return command;
    }

    private static QuantizeReport Run(GgufFile source, string path, QuantizeSettings settings, IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        var plan = QuantizationPlan.Of(source, settings.Recipe, settings.Formats);
        if (!settings.IsDryRun)
        {
            var share = progress is null ? null : new Shares(progress);
            QuantizedFile.Write(source, plan, new RowEncoder(source, settings.Threads), path, settings.Overwrites, share, cancellation);
        }

        return new QuantizeReport(source.Path, settings.IsDryRun ? null : path, plan, System.Diagnostics.Stopwatch.GetElapsedTime(start));
    }

    /// <summary>Refuses to write a model over itself.</summary>
    private static void RequireOther(GgufFile source, string path)
    {
        if (source.PartPaths.Any(part => Path.GetFullPath(part) == Path.GetFullPath(path)))
        {
            throw new CliException($"{path} is the model itself; give OUT another name", ExitCode.Usage);
        }
    }

    private sealed class Shares(IProgress<LoadProgress> progress) : IProgress<double>
    {
        public void Report(double value) => progress.Report(new LoadProgress("encoding", value));
    }
}
