using System.Globalization;
using System.Text.Json;

namespace LlmServe.Cli.Json;

/// <summary>Measured values in JSON: six significant digits.</summary>
internal static class JsonFigures
{
    /// <summary>Writes a property; a number that JSON has no spelling for is left out.</summary>
    public static void WriteFigure(this Utf8JsonWriter writer, string name, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumber(name, Rounded(value));
        }
    }

    /// <summary>The value to six significant digits.</summary>
    public static double Rounded(double value) => double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
