using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmServe.Conversation.Parsing;

namespace LlmServe.Conversation.Formats;

/// <summary>Reads calls in Python's notation, <c>name(key=literal, …)</c>, and writes their arguments as JSON, value by value.</summary>
internal static class PythonCalls
{
    private const int MostDepth = 64;

    /// <summary>Reads a list of calls.</summary>
    public static async Reading ReadListAsync(AnswerReader reader)
    {
        await reader.TakeAsync("[");
        do
        {
            await reader.SkipSpaceAsync();
            string name = await reader.WordAsync();
            await ReadArgumentsAsync(reader, name);
            await reader.SkipSpaceAsync();
        }
        while (await reader.TryTakeAsync(","));

        await reader.TakeAsync("]");
    }

    /// <summary>Reads what stands in the brackets of a call, and writes the call.</summary>
    public static async Reading ReadArgumentsAsync(AnswerReader reader, string name)
    {
        await reader.TakeAsync("(");
        reader.StartCall(name);
        await reader.SkipSpaceAsync();
        string separator = "{";
        while (!await reader.TryTakeAsync(")"))
        {
            if (separator != "{")
            {
                await reader.TakeAsync(",");
                await reader.SkipSpaceAsync();
            }

            string key = await reader.WordAsync();
            if (key.Length == 0)
            {
                throw new MalformedCallException();
            }

            await reader.TakeMarkAsync("=");
            await reader.SkipSpaceAsync();
            var value = new StringBuilder();
            await ReadValueAsync(reader, value, 0);
            reader.Writer.Arguments($"{separator}\"{AnswerReader.Encode(key)}\": {value}");
            await reader.SkipSpaceAsync();
            separator = ", ";
        }

        reader.Writer.Arguments(separator == "{" ? "{}" : "}");
        reader.Writer.EndCall();
    }

    /// <summary>A call, with its arguments as JSON but for Python's names of three constants; arguments that are no object are left out.</summary>
    public static string Write(string name, string arguments)
    {
        var members = AnswerReader.IsJson(arguments) && JsonElement.Parse(arguments) is { ValueKind: JsonValueKind.Object } json ? json.EnumerateObject().ToList() : [];
        return $"{name}({string.Join(", ", members.Select(member => $"{member.Name}={Literal(member.Value)}"))})";
    }

    private static string Literal(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => "True",
        JsonValueKind.False => "False",
        JsonValueKind.Null => "None",
        _ => value.GetRawText(),
    };

    private static async Reading ReadValueAsync(AnswerReader reader, StringBuilder json, int depth)
    {
        if (depth > MostDepth)
        {
            throw new MalformedCallException();
        }

        char first = await reader.PeekAsync();
        switch (first)
        {
            case '"' or '\'':
                json.Append('"').Append(AnswerReader.Encode(await ReadTextAsync(reader, first))).Append('"');
                break;
            case '[' or '(':
                await ReadItemsAsync(reader, json, first == '[' ? ']' : ')', depth);
                break;
            case '{':
                await ReadPairsAsync(reader, json, depth);
                break;
            default:
                json.Append(await ReadAtomAsync(reader));
                break;
        }
    }

    private static async Reading ReadItemsAsync(AnswerReader reader, StringBuilder json, char close, int depth)
    {
        reader.Source.Skip(1);
        json.Append('[');
        await reader.SkipSpaceAsync();
        for (bool isFirst = true; !await reader.TryTakeAsync(close.ToString()); isFirst = false)
        {
            if (!isFirst)
            {
                await reader.TakeAsync(",");
                await reader.SkipSpaceAsync();
                if (await reader.TryTakeAsync(close.ToString()))
                {
                    break; // a comma may come last
                }

                json.Append(", ");
            }

            await ReadValueAsync(reader, json, depth + 1);
            await reader.SkipSpaceAsync();
        }

        json.Append(']');
    }

    private static async Reading ReadPairsAsync(AnswerReader reader, StringBuilder json, int depth)
    {
        reader.Source.Skip(1);
        json.Append('{');
        await reader.SkipSpaceAsync();
        for (bool isFirst = true; !await reader.TryTakeAsync("}"); isFirst = false)
        {
            if (!isFirst)
            {
                await reader.TakeAsync(",");
                await reader.SkipSpaceAsync();
                if (await reader.TryTakeAsync("}"))
                {
                    break;
                }

                json.Append(", ");
            }

            if (await reader.PeekAsync() is not ('"' or '\''))
            {
                throw new MalformedCallException();
            }

            await ReadValueAsync(reader, json, depth + 1);
            await reader.TakeMarkAsync(":");
            await reader.SkipSpaceAsync();
            json.Append(": ");
            await ReadValueAsync(reader, json, depth + 1);
            await reader.SkipSpaceAsync();
        }

        json.Append('}');
    }

    /// <summary>A number, or one of Python's or JSON's constants.</summary>
    private static async Reading<string> ReadAtomAsync(AnswerReader reader)
    {
        string sign = await reader.TryTakeAsync("-") ? "-" : "";
        string word = await reader.WordAsync();
        if (word.EndsWith('e') && await reader.TryTakeAsync("+"))
        {
            word += await reader.WordAsync();
        }

        return (sign, word) switch
        {
            ("", "True" or "true") => "true",
            ("", "False" or "false") => "false",
            ("", "None" or "null") => "null",
            _ => Number(sign + word),
        };
    }

    private static string Number(string text)
    {
        if (AnswerReader.IsJson(text))
        {
            return text;
        }

        // Python also writes 1_000, .5 and 5.
        string plain = text.Replace("_", "", StringComparison.Ordinal);
        return plain.Length > 0 && !plain.AsSpan().ContainsAnyExcept("0123456789+-.eE")
            && double.TryParse(plain, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value)
            ? value.ToString("R", CultureInfo.InvariantCulture) : throw new MalformedCallException();
    }

    private static async Reading<string> ReadTextAsync(AnswerReader reader, char quote)
    {
        reader.Source.Skip(1);
        var text = new StringBuilder();
        while (true)
        {
            char c = await TakeAsync(reader);
            if (c == quote)
            {
                return reader.Markers.Spelled(text.ToString());
            }

            if (c == '\n')
            {
                throw new MalformedCallException();
            }

            if (c == '\\')
            {
                await ReadEscapeAsync(reader, text);
            }
            else
            {
                text.Append(c);
            }
        }
    }

    private static async Reading ReadEscapeAsync(AnswerReader reader, StringBuilder text)
    {
        char c = await TakeAsync(reader);
        int digits = c switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            int point = 0;
            for (int i = 0; i < digits; i++)
            {
                char digit = await TakeAsync(reader);
                point = char.IsAsciiHexDigit(digit) && point < 0x110000 ? (point << 4) | Convert.ToInt32(digit.ToString(), 16) : throw new MalformedCallException();
            }

            text.Append(point < 0x10000 ? ((char)point).ToString() : point < 0x110000 ? char.ConvertFromUtf32(point) : throw new MalformedCallException());
            return;
        }

        int known = "\\'\"nrtbfav0".IndexOf(c, StringComparison.Ordinal);
        if (c == '\n')
        {
            return; // the line goes on
        }

        text.Append(known < 0 ? "\\" : "").Append(known < 0 ? c : "\\'\"\n\r\t\b\f\a\v\0"[known]);
    }

    private static async Reading<char> TakeAsync(AnswerReader reader)
    {
        if (!await reader.Source.HasAsync(1))
        {
            throw new MalformedCallException();
        }

        char c = reader.Source.Unread[0];
        reader.Source.Skip(1);
        return c;
    }
}
