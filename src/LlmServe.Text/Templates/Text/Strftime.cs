using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>C's <c>strftime</c> in the C locale.</summary>
internal static class Strftime
{
    private static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

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
        'Y' => now.Year.ToString(Invariant),
        'C' => (now.Year / 100).ToString("00", Invariant),
        'y' => (now.Year % 100).ToString("00", Invariant),
        'm' => now.Month.ToString("00", Invariant),
        'd' => now.Day.ToString("00", Invariant),
        'e' => now.Day.ToString(Invariant).PadLeft(2),
        'H' => now.Hour.ToString("00", Invariant),
        'I' => Hour12(now).ToString("00", Invariant),
        'k' => now.Hour.ToString(Invariant).PadLeft(2),
        'l' => Hour12(now).ToString(Invariant).PadLeft(2),
        'M' => now.Minute.ToString("00", Invariant),
        'S' => now.Second.ToString("00", Invariant),
        'f' => now.ToString("ffffff", Invariant),
        'p' => now.Hour < 12 ? "AM" : "PM",
        'P' => now.Hour < 12 ? "am" : "pm",
        'A' => now.ToString("dddd", Invariant),
        'a' => now.ToString("ddd", Invariant),
        'B' => now.ToString("MMMM", Invariant),
        'b' or 'h' => now.ToString("MMM", Invariant),
        'j' => now.DayOfYear.ToString("000", Invariant),
        'u' => IsoDay(now).ToString(Invariant),
        'w' => ((int)now.DayOfWeek).ToString(Invariant),
        'U' => ((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7).ToString("00", Invariant),
        'W' => ((now.DayOfYear + 7 - IsoDay(now)) / 7).ToString("00", Invariant),
        'G' => ISOWeek.GetYear(now.DateTime).ToString(Invariant),
        'V' => ISOWeek.GetWeekOfYear(now.DateTime).ToString("00", Invariant),
        's' => now.ToUnixTimeSeconds().ToString(Invariant),
        _ => Combined(now, letter),
    };

    private static string? Combined(DateTimeOffset now, char letter) => letter switch
    {
        'F' => now.ToString("yyyy-MM-dd", Invariant),
        'D' or 'x' => now.ToString("MM/dd/yy", Invariant),
        'T' or 'X' => now.ToString("HH:mm:ss", Invariant),
        'R' => now.ToString("HH:mm", Invariant),
        'r' => now.ToString("hh:mm:ss tt", Invariant),
        'c' => $"{now.ToString("ddd MMM", Invariant)} {now.Day.ToString(Invariant),2} {now.ToString("HH:mm:ss yyyy", Invariant)}",
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
