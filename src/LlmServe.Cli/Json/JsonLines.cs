using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmServe.Cli.App;

namespace LlmServe.Cli.Json;

/// <summary>JSON Lines in, JSON Lines out: one object per line, in the same order.</summary>
internal static class JsonLines
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Converts every line of <paramref name="input"/>; empty lines are left out.</summary>
    /// <param name="input">Objects.</param>
    /// <param name="output">Where the converted ones go.</param>
    /// <param name="convert">Reads an object and writes the properties of its answer.</param>
    /// <param name="eachAtOnce">Whether an answer is sent before the next line is read, as a caller that waits for it needs.</param>
    /// <param name="cancellation">Asked between lines.</param>
    /// <exception cref="CliException">A line is no JSON object of the wanted kind; the message has its number.</exception>
    public static void Convert(TextReader input, TextWriter output, Action<JsonElement, Utf8JsonWriter> convert, bool eachAtOnce, CancellationToken cancellation)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer, WriterOptions);
        for (int number = 1; input.ReadLine() is { } line; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            using var document = Parse(number == 1 ? line.TrimStart('\uFEFF') : line, number);
            buffer.ResetWrittenCount();
            writer.Reset();
            writer.WriteStartObject();
            try
            {
                convert(document.RootElement, writer);
            }
            catch (CliException error)
            {
                throw new CliException($"line {number}: {error.Message}", error.Code, error);
            }

            writer.WriteEndObject();
            writer.Flush();
            output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
            if (eachAtOnce)
            {
                output.Flush();
            }
        }
    }

    /// <summary>Writes one indented object.</summary>
    public static void WriteObject(TextWriter output, Action<Utf8JsonWriter> properties)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions with { Indented = true }))
        {
            writer.WriteStartObject();
            properties(writer);
            writer.WriteEndObject();
        }

        output.WriteLine(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>A string that must be there. Escapes of unpaired surrogates become U+FFFD.</summary>
    /// <exception cref="CliException">It is missing or of another kind.</exception>
    public static string RequiredString(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var value))
        {
            throw new CliException($"the object has no \"{name}\"");
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            throw new CliException($"\"{name}\" is {KindName(value.ValueKind)}; it must be a string");
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return UnescapeLeniently(value.GetRawText());
        }
    }

    /// <summary>The name of a kind of JSON value, with its article.</summary>
    public static string KindName(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a bool",
        _ => "null",
    };

    private static JsonDocument Parse(string line, int number)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(line);
        }
        catch (JsonException error)
        {
            throw new CliException($"line {number} is no JSON: {error.Message}", ExitCode.Failure, error);
        }

        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            string kind = KindName(document.RootElement.ValueKind);
            document.Dispose();
            throw new CliException($"line {number} is {kind}; each line must be a JSON object");
        }

        return document;
    }

    /// <summary>Reads a valid JSON string literal whose escapes may be unpaired surrogates, which the library refuses.</summary>
    private static string UnescapeLeniently(string literal)
    {
        var text = new StringBuilder(literal.Length);
        for (int i = 1; i < literal.Length - 1; i++)
        {
            char c = literal[i];
            if (c != '\\')
            {
                text.Append(c);
                continue;
            }

            char escape = literal[++i];
            text.Append(escape switch
            {
                'b' => '\b',
                'f' => '\f',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => (char)System.Convert.ToUInt16(literal.Substring(i + 1, 4), 16),
                _ => escape,
            });
            i += escape == 'u' ? 4 : 0;
        }

        // Through UTF-8 and back: this is what turns the unpaired ones into U+FFFD.
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
