using System.Globalization;
using LlmServe.Cli.Json;
using LlmServe.Cli.Terminal;
using LlmServe.Quantizer;

namespace LlmServe.Cli.Quantize;

/// <summary>What was, or would be, written.</summary>
/// <param name="Source">The model.</param>
/// <param name="Path">The file; null: none was written.</param>
/// <param name="Plan">Formats.</param>
/// <param name="Time">How long it took.</param>
internal sealed record QuantizeReport(string Source, string? Path, QuantizationPlan Plan, TimeSpan Time)
{
    /// <summary>Prints it.</summary>
    public void Write(CliConsole console, bool json)
    {
        if (json)
        {
            JsonLines.WriteObject(console.Out, WriteJson);
            return;
        }

        var rows = new List<string[]> { new[] { "tensor", "shape", "was", "is", "bytes" } };
        rows.AddRange(Plan.Tensors.Where(tensor => tensor.Tensor.Dimensions.Length > 1).Select(tensor => new[]
        {
            tensor.Tensor.Name, string.Join(" × ", tensor.Tensor.Dimensions), tensor.Tensor.Format.Name, tensor.Format.Name,
            tensor.Bytes.ToString(CultureInfo.InvariantCulture),
        }));
        MarkdownTable.Write(console.Out, rows);
        console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Plan.Name}: {Plan.Bytes} bytes of tensors, {Plan.BitsPerWeight:0.###} bits a weight; {(Path is null ? "nothing written" : $"{Path} written in {Time.TotalSeconds:0.0} s")}"));
    }

    private void WriteJson(System.Text.Json.Utf8JsonWriter writer)
    {
        writer.WriteString("model", Source);
        writer.WriteString("file", Path);
        writer.WriteString("recipe", Plan.Name);
        writer.WriteNumber("bytes", Plan.Bytes);
        writer.WriteNumber("bits_per_weight", Math.Round(Plan.BitsPerWeight, 4));
        writer.WriteNumber("seconds", Math.Round(Time.TotalSeconds, 2));
        writer.WriteStartObject("formats");
        foreach (var tensor in Plan.Tensors)
        {
            writer.WriteString(tensor.Tensor.Name, tensor.Format.Name);
        }

        writer.WriteEndObject();
    }
}
