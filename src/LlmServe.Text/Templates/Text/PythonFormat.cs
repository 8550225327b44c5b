using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>str</c> and <c>repr</c>.</summary>
internal static class PythonFormat
{
    /// <summary>The text that <c>{{ x }}</c> prints.</summary>
    public static StringValue Str(RenderContext context, Value value)
    {
        switch (value)
        {
            case StringValue text:
                return text;
            case UndefinedValue:
                return StringValue.Empty;
            default:
                var result = new TextBuilder();
                new ReprWriter(context, result).Append(value);
                context.ChargeText(result.Length);
                return result.ToValue();
        }
    }

    /// <summary>Python's <c>repr(x)</c>, which is what lists and dicts show of their items.</summary>
    public static StringValue Repr(RenderContext context, Value value)
    {
        var result = new TextBuilder();
        new ReprWriter(context, result).Append(value);
        return result.ToValue();
    }

    /// <summary>A float as Python prints it: the shortest digits that read back, and always a point or an exponent.</summary>
    public static string Float(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
        }

        string sign = double.IsNegative(value) ? "-" : "";
        if (value == 0)
        {
            return sign + "0.0";
        }

        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        string significand = Significand(shortest);
        int exponent = ExponentOf(shortest);
        return sign + (exponent is < -4 or >= 16 ? Scientific(significand, exponent) : Positional(significand, exponent));
    }

    /// <summary>A string in quotes, with the escapes of <c>repr</c>.</summary>
    public static string Quote(string text)
    {
        char quote = QuoteOf(text);
        return quote + Escaped(text, quote) + quote;
    }

    /// <summary>The quote that <c>repr</c> puts around a string.</summary>
    public static char QuoteOf(string text) => text.Contains('\'') && !text.Contains('"') ? '"' : '\'';

    /// <summary>What <c>repr</c> writes between the quotes.</summary>
    public static string Escaped(string text, char quote)
    {
        var result = new StringBuilder(text.Length + 2);
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            AppendQuoted(result, CodePoints.At(text, i), quote);
        }

        return result.ToString();
    }

    private static void AppendQuoted(StringBuilder result, int point, char quote)
    {
        switch (point)
        {
            case '\n':
                result.Append("\\n");
                break;
            case '\r':
                result.Append("\\r");
                break;
            case '\t':
                result.Append("\\t");
                break;
            case '\\':
                result.Append("\\\\");
                break;
            default:
                if (point == quote)
                {
                    result.Append('\\').Append(quote);
                }
                else if (IsPrintable(point))
                {
                    CodePoints.Append(result, point);
                }
                else
                {
                    string format = point < 0x100 ? "x2" : point < 0x10000 ? "x4" : "x8";
                    result.Append('\\').Append(format switch { "x2" => 'x', "x4" => 'u', _ => 'U' });
                    result.Append(point.ToString(format, CultureInfo.InvariantCulture));
                }

                break;
        }
    }

    /// <summary>Python's <c>str.isprintable</c> of one code point.</summary>
    public static bool IsPrintable(int point) => point < 0x7F ? point >= ' ' : CharUnicodeInfo.GetUnicodeCategory(point) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    /// <summary>The digits of a number without sign, point, exponent or outer zeros.</summary>
    private static string Significand(string number)
    {
        int end = number.IndexOf('E');
        string digits = (end < 0 ? number : number[..end]).Replace(".", "", StringComparison.Ordinal).TrimStart('-').Trim('0');
        return digits.Length == 0 ? "0" : digits;
    }

    /// <summary>Power of ten of a number's first digit that is not 0.</summary>
    private static int ExponentOf(string number)
    {
        int mark = number.IndexOf('E');
        int power = mark < 0 ? 0 : int.Parse(number.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        string plain = (mark < 0 ? number : number[..mark]).TrimStart('-');
        int point = plain.IndexOf('.');
        int whole = point < 0 ? plain.Length : point;
        int first = plain.AsSpan().IndexOfAnyInRange('1', '9');
        return power + (first < whole ? whole - 1 - first : whole - first);
    }

    private static string Scientific(string digits, int exponent)
    {
        string sign = exponent < 0 ? "-" : "+";
        string point = digits.Length > 1 ? "." : "";
        return $"{digits[0]}{point}{digits.AsSpan(1)}e{sign}{Math.Abs(exponent):00}";
    }

    private static string Positional(string digits, int exponent)
    {
        if (exponent < 0)
        {
            return "0." + new string('0', -exponent - 1) + digits;
        }

        string whole = digits.Length > exponent + 1 ? digits[..(exponent + 1)] : digits.PadRight(exponent + 1, '0');
        string fraction = digits.Length > exponent + 1 ? digits[(exponent + 1)..] : "0";
        return $"{whole}.{fraction}";
    }
}
