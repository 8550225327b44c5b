using System.Globalization;
using System.Text.Json;
using LlmServe.Cli.Terminal;
using LlmServe.Gguf;
using LlmServe.Text.Templates;
using Spectre.Console;

namespace LlmServe.Cli.Commands;

/// <summary>A model file as text and as JSON.</summary>
internal static class ModelReport
{
    private const int LongestValue = 100;
    private const int LongestJsonArray = 16;

    /// <summary>Bytes and tensors of one format.</summary>
    private sealed record FormatShare(string Name, int Tensors, long Bytes);

    /// <summary>Writes everything for a person, in sections.</summary>
    public static void WriteText(GgufFile file, CliConsole console)
    {
        Section(console, "file",
        [
            ["path", file.Path],
            ["format", Invariant($"GGUF {file.Version}, {file.PartCount} part(s), {file.Length:N0} bytes")],
            ["name", file.Metadata.GetString("general.name", "-")],
            ["architecture", file.Metadata.GetString("general.architecture", "-")],
            ["weights", Invariant($"{file.Tensors.Sum(tensor => tensor.ElementCount):N0} in {file.Tensors.Count} tensors")],
        ]);
        Section(console, "metadata", file.Metadata.Entries.Select(entry =>
            (string[])[entry.Key, entry.Value.TypeName, TerminalText.Shorten(entry.Value.ToString(), LongestValue)]));
        Section(console, "tokenizer", Tokenizer(file));
        Section(console, "formats", Formats(file).Select(share => (string[])[share.Name, Invariant($"{share.Tensors} tensors"), Invariant($"{share.Bytes:N0} bytes")]));
        Section(console, "tensors", file.Tensors.Select(tensor =>
            (string[])[tensor.Name, tensor.Format.Name, $"[{string.Join(", ", tensor.Dimensions)}]", Invariant($"{tensor.ByteLength:N0} bytes")]));
        var templates = ModelTemplates.Read(file.Metadata);
        foreach (string name in templates.Names)
        {
            Title(console, name == ModelTemplates.Default ? "chat template" : $"chat template '{TerminalText.Harmless(name)}'");
            console.Out.WriteLine(TerminalText.Harmless(templates.Source(name)!));
        }
    }

    /// <summary>Writes the properties of a JSON object.</summary>
    public static void WriteJson(GgufFile file, Utf8JsonWriter writer)
    {
        writer.WriteString("path", file.Path);
        writer.WriteNumber("version", file.Version);
        writer.WriteNumber("parts", file.PartCount);
        writer.WriteNumber("bytes", file.Length);
        writer.WriteNumber("parameters", file.Tensors.Sum(tensor => tensor.ElementCount));
        writer.WriteStartObject("metadata");
        foreach (var entry in file.Metadata.Entries)
        {
            writer.WritePropertyName(entry.Key);
            WriteValue(entry.Value, writer);
        }

        writer.WriteEndObject();
        writer.WriteStartArray("formats");
        foreach (var share in Formats(file))
        {
            writer.WriteStartObject();
            writer.WriteString("type", share.Name);
            writer.WriteNumber("tensors", share.Tensors);
            writer.WriteNumber("bytes", share.Bytes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("tensors");
        foreach (var tensor in file.Tensors)
        {
            WriteTensor(tensor, writer);
        }

        writer.WriteEndArray();
        writer.WriteStartObject("tokenizer");
        foreach (string[] row in Tokenizer(file))
        {
            writer.WriteString(row[0].Replace(' ', '_'), row[1]);
        }

        writer.WriteEndObject();
        var templates = ModelTemplates.Read(file.Metadata);
        writer.WriteString("chat_template", templates.Source(ModelTemplates.Default));
        writer.WriteStartObject("named_chat_templates");
        foreach (string name in templates.Names.Where(name => name != ModelTemplates.Default))
        {
            writer.WriteString(name, templates.Source(name));
        }

        writer.WriteEndObject();
    }

    private static void WriteTensor(GgufTensor tensor, Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", tensor.Name);
        writer.WriteString("type", tensor.Format.Name);
        writer.WriteStartArray("dimensions");
        foreach (long dimension in tensor.Dimensions)
        {
            writer.WriteNumberValue(dimension);
        }

        writer.WriteEndArray();
        writer.WriteNumber("bytes", tensor.ByteLength);
        writer.WriteNumber("offset", tensor.Offset);
        writer.WriteNumber("part", tensor.Part);
        writer.WriteEndObject();
    }

    private static void WriteValue(GgufValue value, Utf8JsonWriter writer)
    {
        if (value.IsArray && value.Count > LongestJsonArray)
        {
            writer.WriteStartObject();
            writer.WriteString("type", value.TypeName);
            writer.WriteNumber("count", value.Count);
            writer.WriteEndObject();
        }
        else if (value.IsArray)
        {
            writer.WriteStartArray();
            for (int i = 0; i < value.Count; i++)
            {
                WriteValue(value[i], writer);
            }

            writer.WriteEndArray();
        }
        else if (value.TryGetString(out string text))
        {
            writer.WriteStringValue(text);
        }
        else if (value.TryGetBool(out bool flag))
        {
            writer.WriteBooleanValue(flag);
        }
        else if (value.TryGetInt64(out long whole))
        {
            writer.WriteNumberValue(whole);
        }
        else if (value.TryGetDouble(out double number) && double.IsFinite(number))
        {
            WriteNumber(value.Type, number, writer);
        }
        else
        {
            writer.WriteStringValue(value.ToString());
        }
    }

    /// <summary>A binary32 value in its own shortest form, not with the digits that widening adds.</summary>
    private static void WriteNumber(GgufValueType type, double number, Utf8JsonWriter writer)
    {
        if (type == GgufValueType.Float32)
        {
            writer.WriteNumberValue((float)number);
        }
        else
        {
            writer.WriteNumberValue(number);
        }
    }

    private static List<FormatShare> Formats(GgufFile file) =>
    [
        .. file.Tensors
            .GroupBy(tensor => tensor.Format.Name)
            .Select(group => new FormatShare(group.Key, group.Count(), group.Sum(tensor => tensor.ByteLength)))
            .OrderByDescending(share => share.Bytes),
    ];

    private static List<string[]> Tokenizer(GgufFile file)
    {
        var metadata = file.Metadata;
        bool hasTokens = metadata.TryGetStrings("tokenizer.ggml.tokens", out var tokens);
        List<string[]> rows =
        [
            ["model", metadata.GetString("tokenizer.ggml.model", "-")],
            ["pre tokenizer", metadata.GetString("tokenizer.ggml.pre", "-")],
            ["tokens", hasTokens ? tokens!.Count.ToString(CultureInfo.InvariantCulture) : "-"],
        ];
        foreach (string name in (string[])["bos", "eos", "eot", "padding", "unknown"])
        {
            if (hasTokens && metadata.TryGetInt32($"tokenizer.ggml.{name}_token_id", out int id))
            {
                string piece = (uint)id < (uint)tokens!.Count ? tokens[id] : "(outside the vocabulary)";
                rows.Add([$"{name} token", Invariant($"{id} {piece}")]);
            }
        }

        return rows;
    }

    private static void Section(CliConsole console, string title, IEnumerable<string[]> rows)
    {
        Title(console, title);
        string[][] all = [.. rows.Select(row => row.Select(TerminalText.OneLine).ToArray())];
        if (all.Length == 0)
        {
            console.Out.WriteLine("  -");
            return;
        }

        int[] widths = [.. Enumerable.Range(0, all[0].Length).Select(column => all.Max(row => row[column].Length))];
        foreach (string[] row in all)
        {
            console.Out.WriteLine("  " + string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        }

        console.Out.WriteLine();
    }

    private static void Title(CliConsole console, string title)
    {
        console.StyledOut.Write(title, new Style(decoration: Decoration.Bold));
        console.Out.WriteLine();
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
