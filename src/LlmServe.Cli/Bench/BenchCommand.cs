using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Options;
using Spectre.Console;

namespace LlmServe.Cli.Bench;

/// <summary><c>llmserve bench</c>.</summary>
internal static class BenchCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var prompt = OptionFactory.Integer("--prompt", "Tokens of the prompt (default 512)", 1, 1 << 20);
        var generate = OptionFactory.Integer("--generate", "Tokens to decode (default 128)", 1, 1 << 20);
        var runs = OptionFactory.Integer("--runs", "Measured runs, of which the median counts (default 5)", 1, 1000);
        var json = OptionFactory.Switch("--json", "Print one JSON object");
        var command = new Command("bench", "Measure prefill and decode, and how near decode is to the memory's read bandwidth")
        {
            prompt, generate, runs, json,
        };
        var model = ModelOptions.AddTo(command, withContext: false);
        command.SetAction(async (parsed, _) =>
        {
            var plan = new BenchPlan(parsed.GetValue(prompt) ?? 512, parsed.GetValue(generate) ?? 128, parsed.GetValue(runs) ?? 5);
            var result = await MeasureAsync(services, model.Read(parsed), plan);
            if (parsed.GetValue(json))
            {
                JsonLines.WriteObject(services.Console.Out, result.WriteTo);
            }
            else
            {
                Print(services, result);
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task<BenchResult> MeasureAsync(CliServices services, ModelSettings settings, BenchPlan plan)
    {
        var cancellation = services.Interrupts.Token;
        settings = settings with { Cpu = settings.Cpu with { MaxSequences = 1, ContextLength = plan.Prompt + plan.Generate } };
        long start = Stopwatch.GetTimestamp();
        using var model = await services.Models.LoadAsync(services.Console, settings, cancellation);
        double load = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var (prefill, decode) = await Task.Run(() => BenchRunner.Measure(model, plan, cancellation), cancellation);
        int lanes = settings.Cpu.Lanes > 0 ? settings.Cpu.Lanes : Environment.ProcessorCount;
        double bandwidth = await Task.Run(() => ReadBandwidth.Measure(lanes, ReadBandwidth.DefaultBytes), cancellation);
        var info = model.Executor.Model;
        return new BenchResult(
            model.Id, model.Executor.Backend, info.Activations.ToString().ToLowerInvariant(), info.Kv.ToString().ToLowerInvariant(),
            lanes, plan, load, prefill, decode, BenchRunner.WeightBytes(model.File), bandwidth);
    }

    private static void Print(CliServices services, BenchResult result)
    {
        var table = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumn(new TableColumn("").RightAligned()).HideHeaders();
        void Row(string name, FormattableString value) => table.AddRow(Markup.Escape(name), Markup.Escape(value.ToString(CultureInfo.InvariantCulture)));
        Row("model", $"{result.Model}");
        Row("backend", $"{result.Backend}, activations {result.Activations}, kv {result.Kv}");
        Row("load", $"{result.LoadSeconds:0.00} s");
        Row($"prefill of {result.Plan.Prompt}", $"{result.PrefillMedian:0.0} tokens/s");
        Row($"decode of {result.Plan.Generate}", $"{result.DecodeMedian:0.0} tokens/s");
        Row("weights read per token", $"{result.WeightBytes / 1e6:0.0} MB");
        Row("weights read", $"{result.WeightBytesPerSecond / 1e9:0.00} GB/s");
        Row("read bandwidth", $"{result.BandwidthBytes / 1e9:0.00} GB/s");
        Row("share of bandwidth", $"{result.Share:P1}");
        services.Console.StyledOut.Write(table);
    }
}
