using System.CommandLine;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Options;
using LlmServe.Compiler;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Printing;
using LlmServe.Compiler.Programs;
using LlmServe.Cpu;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Hosting;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve compile</c>: shows the program that a model becomes, what it costs, and with <c>--measure</c> what it really took.</summary>
internal static class CompileCommand
{
    private const int DefaultContext = 128;

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var rows = OptionFactory.Integer("--rows", "Rows of the tick that is shown (default 1)", 1, CpuOptions.MostRowsPerTick);
        var context = OptionFactory.Integer("--at", $"Positions before the tick's rows (default {DefaultContext})", 0, 1 << 20);
        var streams = OptionFactory.Switch("--streams", "Rows are as many decoding streams, not a stretch of one prompt");
        var layer = OptionFactory.Integer("--layer", "Show this layer alone", 0);
        var all = OptionFactory.Switch("--all", "Show every layer, also equal ones");
        var svg = OptionFactory.Text("--svg", "FILE", "Draw lanes over time");
        var measure = OptionFactory.Switch("--measure", "Load the model, run ticks, and compare");
        var json = OptionFactory.Switch("--json", "Print one JSON object");
        var command = new Command("compile", "Show the program that a model is compiled to, with predicted times") { rows, context, streams, layer, all, svg, measure, json };
        var model = ModelOptions.AddTo(command, withContext: false);
        command.SetAction(async (parsed, _) =>
        {
            var request = new CompileRequest(parsed.GetValue(rows) ?? 1, parsed.GetValue(context) ?? DefaultContext, parsed.GetValue(streams),
                parsed.GetValue(layer), parsed.GetValue(all), parsed.GetValue(svg), parsed.GetValue(json));
            await (parsed.GetValue(measure) ? MeasureAsync(services, model.Read(parsed), request) : PrintAsync(services, model.Read(parsed), request));
            return ExitCode.Ok;
        });
        return command;
    }

    private static async Task PrintAsync(CliServices services, ModelSettings settings, CompileRequest request)
    {
        using var file = services.Models.Open(settings.Path);
        var cpu = services.Models.WithProfileCache(settings.Cpu) with { MaxRowsPerTick = Math.Max(settings.Cpu.MaxRowsPerTick, request.Rows) };
        var (compiled, profile) = await Task.Run(() =>
        {
            var model = CpuBackend.CompileOnly(file, cpu);
            return (model, CpuBackend.MeasureProfile(model, cpu));
        });
        Show(services, file, compiled, profile, CpuBackend.Describe(cpu), request, null);
    }

    private static async Task MeasureAsync(CliServices services, ModelSettings settings, CompileRequest request)
    {
        var cancellation = services.Interrupts.Token;
        var cpu = services.Models.WithProfileCache(TickMeasurement.OptionsFor(settings.Cpu, request), refresh: true);
        using var loaded = await services.LoadAsync(settings with { Cpu = cpu }, cancellation);
        if (loaded.Executor is not IMeasuringExecutor executor)
        {
            throw new CliException($"--measure: the backend '{loaded.Executor.Backend}' cannot take times inside a tick");
        }

        var measurement = await Task.Run(() => TickMeasurement.Run(executor, request, cancellation), cancellation);
        Show(services, loaded.File, executor.Compiled, executor.Profile, executor.Backend, request, measurement);
    }

    private static void Show(
        CliServices services, GgufFile file, CompiledModel compiled, MachineProfile profile, string target, CompileRequest request, TickMeasurement? measurement)
    {
        var program = compiled.ProgramFor(request.Rows);
        var cost = new CostModel(profile, compiled);
        var options = new PrintOptions(Path.GetFileName(file.Path), target, request.Load, request.All, request.Layer);
        int layers = compiled.Info.Layers;
        if (request.Layer >= layers)
        {
            throw new CliException($"--layer: found {request.Layer}, the model's layers are 0 to {layers - 1}", ExitCode.Usage);
        }

        if (request.Json)
        {
            JsonLines.WriteObject(services.Console.Out, writer =>
            {
                ProgramJson.Write(writer, compiled, program, cost, options);
                measurement?.WriteTo(writer, cost);
            });
        }
        else if (measurement is null)
        {
            new ProgramPrinter(services.Console.Out, compiled, program, cost, options).Print();
        }
        else
        {
            measurement.Print(services.Console.Out, cost, options);
        }

        if (request.Svg is { } path)
        {
            Draw(path, program, cost, options, measurement);
            services.Console.WriteNote($"drawing written to {path}");
        }
    }

    private static void Draw(string path, StreamProgram program, CostModel cost, PrintOptions options, TickMeasurement? measurement)
    {
        try
        {
            using var writer = new StreamWriter(path);
            SvgDrawing.Write(writer, cost.Timeline(program, options.Load), measurement?.Main, options);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException($"--svg: '{path}' cannot be written: {error.Message}", ExitCode.Failure, error);
        }
    }
}

/// <summary>What the command line asks for.</summary>
/// <param name="Rows">Rows of the tick that is shown.</param>
/// <param name="Start">Positions before its rows.</param>
/// <param name="Streams">Whether every row is a stream of its own.</param>
/// <param name="Layer">The only layer to show.</param>
/// <param name="All">Whether equal layers are shown one by one.</param>
/// <param name="Svg">Where to draw.</param>
/// <param name="Json">Whether to print JSON.</param>
internal sealed record CompileRequest(int Rows, int Start, bool Streams, int? Layer, bool All, string? Svg, bool Json)
{
    /// <summary>The tick that is shown.</summary>
    public TickLoad Load => LoadOf(Rows);

    /// <summary>A tick of the same kind with other rows.</summary>
    public TickLoad LoadOf(int rows) => Streams ? TickLoad.Streams(rows, Start) : TickLoad.Prompt(rows, Start);
}
