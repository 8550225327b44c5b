using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>C's <c>strftime</c> in the C locale.</summary>
internal static class Strftime
{
    private static readonly CultureInfo _invariant = CultureInfo.InvariantCulture;

    /// <summary>The time of the render in a format; an unknown directive stays as it is.</summary>
    public static string Format(RenderContext context, string format)
    {
        context.ChargeText(format.Length);
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }

            bool isBare = format[i + 1] == '-' && i + 2 < format.Length;
            char letter = format[isBare ? i + 2 : i + 1];
            string? text = Directive(context.Now, letter);
            context.ChargeText(text?.Length ?? 2);
            result.Append(text is null ? $"%{letter}" : isBare ? Bare(text) : text);
            i += isBare ? 2 : 1;
        }

        return result.ToString();
    }

    /// <summary>A number without the zeros or blanks that pad it, as <c>%-d</c> asks for.</summary>
    private static string Bare(string text) => text.TrimStart('0', ' ') is { Length: > 0 } rest ? rest : text.Length > 0 ? text[^1..] : text;

    private static string? Directive(DateTimeOffset now, char letter) => letter switch
    {
        'Y' => now.Year.ToString(_invariant),
        'C' => (now.Year / 100).ToString("00", _invariant),
        'y' => (now.Year % 100).ToString("00", _invariant),
        'm' => now.Month.ToString("00", _invariant),
        'd' => now.Day.ToString("00", _invariant),
        'e' => now.Day.ToString(_invariant).PadLeft(2),
        'H' => now.Hour.ToString("00", _invariant),
        'I' => Hour12(now).ToString("00", _invariant),
        'k' => now.Hour.ToString(_invariant).PadLeft(2),
        'l' => Hour12(now).ToString(_invariant).PadLeft(2),
        'M' => now.Minute.ToString("00", _invariant),
        'S' => now.Second.ToString("00", _invariant),
        'f' => now.ToString("ffffff", _invariant),
        'p' => now.Hour < 12 ? "AM" : "PM",
        'P' => now.Hour < 12 ? "am" : "pm",
        'A' => now.ToString("dddd", _invariant),
        'a' => now.ToString("ddd", _invariant),
        'B' => now.ToString("MMMM", _invariant),
        'b' or 'h' => now.ToString("MMM", _invariant),
        'j' => now.DayOfYear.ToString("000", _invariant),
        'u' => IsoDay(now).ToString(_invariant),
        'w' => ((int)now.DayOfWeek).ToString(_invariant),
        'U' => ((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7).ToString("00", _invariant),
        'W' => ((now.DayOfYear + 7 - IsoDay(now)) / 7).ToString("00", _invariant),
        'G' => ISOWeek.GetYear(now.DateTime).ToString(_invariant),
        'V' => ISOWeek.GetWeekOfYear(now.DateTime).ToString("00", _invariant),
        's' => now.ToUnixTimeSeconds().ToString(_invariant),
        _ => Combined(now, letter),
    };

    private static string? Combined(DateTimeOffset now, char letter) => letter switch
    {
        'F' => now.ToString("yyyy-MM-dd", _invariant),
        'D' or 'x' => now.ToString("MM/dd/yy", _invariant),
        'T' or 'X' => now.ToString("HH:mm:ss", _invariant),
        'R' => now.ToString("HH:mm", _invariant),
        'r' => now.ToString("hh:mm:ss tt", _invariant),
        'c' => $"{now.ToString("ddd MMM", _invariant)} {now.Day.ToString(_invariant),2} {now.ToString("HH:mm:ss yyyy", _invariant)}",
        'n' => "\n",
        't' => "\t",
        '%' => "%",

        // Python's naive time has neither a zone nor an offset.
        'Z' or 'z' => "",
        _ => null,
    };

    private static int Hour12(DateTimeOffset now) => ((now.Hour + 11) % 12) + 1;

    private static int IsoDay(DateTimeOffset now) => now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek;
}
