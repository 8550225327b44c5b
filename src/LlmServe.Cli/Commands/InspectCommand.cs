using System.CommandLine;
using System.Runtime.InteropServices;
using LlmServe.Cli.App;
using LlmServe.Cli.Json;
using LlmServe.Cli.Options;
using LlmServe.Gguf;

namespace LlmServe.Cli.Commands;

/// <summary><c>llmserve inspect</c>: what is in a model file.</summary>
internal static class InspectCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CliServices services)
    {
        var model = ModelOptions.CreateModelOption();
        var tensor = OptionFactory.Text("--tensor", "NAME", "Decode this tensor to --output");
        var output = OptionFactory.Text("--output", "FILE", "Where to write the tensor: f32 values, little-endian, row after row");
        var json = OptionFactory.Switch("--json", "Print one JSON object; long arrays are given by type and count");
        var command = new Command("inspect", "Show a model file: metadata, tokenizer, template, formats, tensors") { model, tensor, output, json };
        command.Validators.Add(result =>
        {
            if (result.GetResult(tensor) is null != result.GetResult(output) is null)
            {
                result.AddError("--tensor NAME and --output FILE belong together");
            }
        });
        command.SetAction((parsed, _) => services.LeaveOnInterruptAsync(() =>
        {
            using var file = services.Models.Open(parsed.GetValue(model));
            if (parsed.GetValue(tensor) is { } name)
            {
                WriteTensor(file, name, parsed.GetValue(output)!, services.Interrupts.Token);
                services.Console.WriteNote($"{file.GetTensor(name)} written to {parsed.GetValue(output)}");
            }
            else if (parsed.GetValue(json))
            {
                JsonLines.WriteObject(services.Console.Out, writer => ModelReport.WriteJson(file, writer));
            }
            else
            {
                ModelReport.WriteText(file, services.Console);
            }

            return ExitCode.Ok;
        }));
        return command;
    }

    private static void WriteTensor(GgufFile file, string name, string path, CancellationToken cancellation)
    {
        var tensor = file.GetTensor(name);
        if (!tensor.Format.CanDecode)
        {
            throw new CliException($"{file.Path}: tensor '{name}' has format {tensor.Format.Name}, which cannot be decoded yet");
        }

        float[] row = new float[checked((int)tensor.Columns)]; // [columns]
        using var output = File.Create(path);
        for (long i = 0; i < tensor.Rows; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            file.DecodeRow(tensor, i, row);
            output.Write(MemoryMarshal.AsBytes(row.AsSpan()));
        }
    }
}
