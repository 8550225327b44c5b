using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>The escapes of string literals, which are Python's.</summary>
internal static class StringEscapes
{
    public static string Decode(ReadOnlySpan<char> text, SourceCursor cursor)
    {
        if (!text.Contains('\\'))
        {
            return text.ToString();
        }

        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
            }
            else
            {
                i = DecodeOne(text, i + 1, result, cursor) - 1;
            }
        }

        return result.ToString();
    }

    /// <summary>Decodes the escape whose letter is at <paramref name="at"/> and returns the position after it.</summary>
    private static int DecodeOne(ReadOnlySpan<char> text, int at, StringBuilder result, SourceCursor cursor)
    {
        char letter = text[at];
        switch (letter)
        {
            case '\n':
                return at + 1;
            case 'x':
                return DecodeHex(text, at, 2, result, cursor);
            case 'u':
                return DecodeHex(text, at, 4, result, cursor);
            case 'U':
                return DecodeHex(text, at, 8, result, cursor);
            case 'N':
                throw cursor.Fail("the string escape '\\N' is not supported; write the character itself");
            case >= '0' and <= '7':
                return DecodeOctal(text, at, result);
        }

        int known = "\\'\"abfnrtv".IndexOf(letter, StringComparison.Ordinal);
        if (known >= 0)
        {
            result.Append("\\'\"\a\b\f\n\r\t\v"[known]);
            return at + 1;
        }

        result.Append('\\');
        return AppendUnknown(text, at, result);
    }

    /// <summary>An escape that Python does not know keeps its backslash; a character beyond ASCII then shows as its own escape.</summary>
    private static int AppendUnknown(ReadOnlySpan<char> text, int at, StringBuilder result)
    {
        if (char.IsAscii(text[at]) || Rune.DecodeFromUtf16(text[at..], out Rune rune, out int length) != System.Buffers.OperationStatus.Done)
        {
            result.Append(text[at]);
            return at + 1;
        }

        string format = rune.Value < 0x100 ? "x2" : rune.Value < 0x10000 ? "x4" : "x8";
        result.Append(format switch { "x2" => 'x', "x4" => 'u', _ => 'U' }).Append(rune.Value.ToString(format, CultureInfo.InvariantCulture));
        return at + length;
    }

    private static int DecodeHex(ReadOnlySpan<char> text, int at, int digits, StringBuilder result, SourceCursor cursor)
    {
        if (at + digits >= text.Length
            || !uint.TryParse(text.Slice(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            || value > 0x10FFFF)
        {
            throw cursor.Fail($"the string escape '\\{text[at]}' needs {digits} hexadecimal digits of a code point");
        }

        result.Append(value < 0x10000 ? ((char)value).ToString() : char.ConvertFromUtf32((int)value));
        return at + 1 + digits;
    }

    private static int DecodeOctal(ReadOnlySpan<char> text, int at, StringBuilder result)
    {
        int value = 0;
        int end = at;
        while (end < text.Length && end < at + 3 && text[end] is >= '0' and <= '7')
        {
            value = (value * 8) + (text[end++] - '0');
        }

        result.Append((char)value);
        return end;
    }
}
