using System.Globalization;

namespace LlmServe.Compiler.Printing;

/// <summary>Numbers as people read them, the same in every culture.</summary>
public static class Figures
{
    /// <summary>A whole number with separators: <c>103,680</c>.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A duration in the unit that fits: <c>850 ns</c>, <c>41.2 µs</c>, <c>3.10 ms</c>, <c>1.20 s</c>.</summary>
    public static string Time(double seconds) => seconds switch
    {
        < 0.9995e-6 => Text(seconds * 1e9, "0", "ns"),
        < 0.9995e-3 => Text(seconds * 1e6, "0.0", "µs"),
        < 0.9995 => Text(seconds * 1e3, "0.00", "ms"),
        _ => Text(seconds, "0.00", "s"),
    };

    /// <summary>A size: <c>640 B</c>, <c>98.4 MB</c>.</summary>
    public static string Size(double bytes) => Scaled(bytes, "B");

    /// <summary>A size in the units in which memory is asked for: <c>512 KiB</c>, <c>23.5 GiB</c>.</summary>
    public static string Memory(long bytes) => bytes switch
    {
        < 1 << 10 => $"{bytes} B",
        < 1 << 20 => Text(bytes / (double)(1 << 10), "0.#", "KiB"),
        < 1 << 30 => Text(bytes / (double)(1 << 20), "0.#", "MiB"),
        _ => Text(bytes / (double)(1 << 30), "#,0.#", "GiB"),
    };

    /// <summary>A quantity with a decimal prefix: <c>106 M</c>.</summary>
    public static string Scaled(double value, string unit) => value switch
    {
        < 999.5 => Text(value, "0", unit),
        < 999.95e3 => Text(value / 1e3, "0.0", "k" + unit),
        < 999.95e6 => Text(value / 1e6, "0.0", "M" + unit),
        _ => Text(value / 1e9, "0.00", "G" + unit),
    };

    /// <summary>A plain number: <c>0.97</c>.</summary>
    public static string Number(double value, string format = "0.00") => value.ToString(format, CultureInfo.InvariantCulture);

    private static string Text(double value, string format, string unit) => $"{value.ToString(format, CultureInfo.InvariantCulture)} {unit}";
}
