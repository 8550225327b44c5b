using System.CommandLine;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Models;
using LlmServe.Cli.Options;
using LlmServe.Cpu;
using LlmServe.Hosting;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve logits</c>: token ids in, raw logits out, for golden tests and outside checks.</summary>
internal static class LogitsCommand
{
    private const int DefaultChunk = 256;

    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var ids = OptionFactory.RequiredText("--ids", "FILE", "JSON array of token ids, taken as they are; - reads standard input");
        var output = OptionFactory.RequiredText("--output", "FILE", "Where to write f32 values, little-endian, [positions, vocabulary]");
        var chunk = OptionFactory.Integer("--chunk", $"Rows per tick (default {DefaultChunk}; a tick has at most {CpuOptions.MostRowsPerTick}); the logits do not depend on it", 1);
        var command = new Command("logits", "Compute the logits of every position of a token sequence") { ids, output, chunk };
        var model = ModelOptions.AddTo(command, withContext: false);
        command.SetAction(async (parsed, _) =>
        {
            int[] tokens = await services.LeaveOnInterruptAsync(() => ReadIds(services, parsed.GetRequiredValue(ids)));
            int rows = Math.Min(parsed.GetValue(chunk) ?? DefaultChunk, CpuOptions.MostRowsPerTick);
            var settings = model.Read(parsed);
            settings = settings with { Cpu = settings.Cpu with { MaxRowsPerTick = rows, MaxSequences = 1, ContextLength = tokens.Length } };
            using var loaded = await services.LoadAsync(settings, services.Interrupts.Token);
            Write(loaded, tokens, rows, parsed.GetRequiredValue(output), services.Interrupts.Token);
            services.Console.WriteNote($"{tokens.Length} x {loaded.Executor.Model.VocabularySize} logits on {loaded.Executor.Backend}");
            return ExitCode.Ok;
        });
        return command;
    }

    private static int[] ReadIds(CliServices services, string path)
    {
        using var reader = PromptSource.OpenText(services.Console, path, "--ids");
        try
        {
            using var document = JsonDocument.Parse(reader.ReadToEnd());
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                throw new CliException($"--ids: {path} holds {JsonLines.KindName(document.RootElement.ValueKind)}; it must hold a JSON array of token ids");
            }

            int[] ids = [.. document.RootElement.EnumerateArray().Select((element, index) => ReadId(element, index, path))];
            return ids.Length > 0 ? ids : throw new CliException($"--ids: {path} holds an empty array; give at least one token id");
        }
        catch (JsonException error)
        {
            throw new CliException($"--ids: {path} is no JSON: {error.Message}", ExitCode.Failure, error);
        }
    }

    private static int ReadId(JsonElement element, int index, string path) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int id) && id >= 0
            ? id
            : throw new CliException($"--ids: {path}: element {index} is {element.GetRawText()}; it must be a token id of 0 or more");

    private static void Write(LoadedModel model, int[] ids, int chunk, string path, CancellationToken cancellation)
    {
        int vocabulary = model.Executor.Model.VocabularySize;
        int wrong = Array.FindIndex(ids, id => id >= vocabulary);
        if (wrong >= 0)
        {
            throw new CliException($"--ids: element {wrong} is {ids[wrong]}; the model's ids are 0 to {vocabulary - 1}");
        }

        var runner = new SequenceRunner(model.Executor);
        if (ids.Length > runner.Capacity)
        {
            throw new CliException($"--ids: {ids.Length} tokens; the model's context holds {runner.Capacity}");
        }

        using var file = File.Create(path);
        runner.Run(ids, 0, chunk, (_, logits) => WriteRow(file, logits), cancellation);
    }

    private static void WriteRow(Stream file, ReadOnlySpan<float> logits)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("llmserve writes little-endian files and runs on little-endian machines only.");
        }

        file.Write(MemoryMarshal.AsBytes(logits));
    }
}
