using System.Globalization;
using System.Numerics;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>How one value is written into a width: the parts that <c>%</c> formats and <c>str.format</c> share.</summary>
internal readonly record struct FormatSpec(char Type, int Width = 0, int Precision = -1)
{
    /// <summary>Text that a width or precision may ask for at most; anything real is far shorter.</summary>
    public const int MaxWidth = 10_000;

    /// <summary><c>&lt;</c>, <c>&gt;</c>, <c>^</c>, <c>=</c> (zeros after the sign), or NUL for the type's own.</summary>
    public char Align { get; init; }

    public char Fill { get; init; } = ' ';

    /// <summary><c>+</c> or a blank before positive numbers, or NUL.</summary>
    public char Sign { get; init; }

    /// <summary>Whether <c>0x</c> and the like go before the digits.</summary>
    public bool IsAlternate { get; init; }

    /// <summary>Whether commas group the digits by three.</summary>
    public bool HasCommas { get; init; }

    /// <summary>Writes a number by the type's letter.</summary>
    public string Number(Number number)
    {
        bool isNegative = number.IsFloat ? double.IsNegative(number.Float) : number.Integer.Sign < 0;
        string digits = Type is 'd' or 'i' or 'u' or 'x' or 'X' or 'o' or 'b' ? Integer(number) : Real(number.AsFloat);
        string sign = isNegative ? "-" : Sign == '\0' ? "" : Sign.ToString();
        digits = HasCommas ? WithCommas(digits) : digits;
        return Align == '=' ? sign + digits.PadLeft(Math.Max(0, Width - sign.Length), Fill) : Pad(sign + digits, '>');
    }

    /// <summary>Writes a text, cut to the precision.</summary>
    public StringValue Text(StringValue text)
    {
        var kept = Precision >= 0 && Precision < text.Length ? text.Slice(0, CodePoints.OffsetOf(text.Text, Precision)) : text;
        var (left, right) = Padding(kept.Length!.Value, '<');
        return left + right == 0 ? kept : new TextBuilder().Append(Fill, left).Append(kept).Append(Fill, right).ToValue();
    }

    private (int Left, int Right) Padding(int length, char natural)
    {
        int missing = Math.Max(0, Width - length);
        char align = Align is '\0' or '=' ? natural : Align;
        int left = align == '<' ? 0 : align == '>' ? missing : missing / 2;
        return (left, missing - left);
    }

    private string Pad(string digits, char natural)
    {
        var (left, right) = Padding(digits.Length, natural);
        return new string(Fill, left) + digits + new string(Fill, right);
    }

    private string Integer(Number number)
    {
        var value = BigInteger.Abs(number.IsFloat ? new BigInteger(number.Float) : number.Integer);
        string prefix = !IsAlternate ? "" : Type switch { 'x' => "0x", 'X' => "0X", 'o' => "0o", 'b' => "0b", _ => "" };
        string digits = Type switch
        {
            'x' => Trimmed(value.ToString("x", CultureInfo.InvariantCulture)),
            'X' => Trimmed(value.ToString("X", CultureInfo.InvariantCulture)),
            'o' => Octal(value),
            'b' => Trimmed(value.ToString("b", CultureInfo.InvariantCulture)),
            _ => value.ToString(CultureInfo.InvariantCulture),
        };
        return prefix + digits.PadLeft(Math.Max(Precision, 0), '0');
    }

    private static string Trimmed(string digits) => digits.TrimStart('0') is { Length: > 0 } rest ? rest : "0";

    private static string Octal(BigInteger value)
    {
        var digits = new StringBuilder();
        do
        {
            digits.Insert(0, (char)('0' + (int)(value % 8)));
            value /= 8;
        }
        while (!value.IsZero);
        return digits.ToString();
    }

    private string Real(double value)
    {
        value = Math.Abs(value);
        if (!double.IsFinite(value))
        {
            string name = double.IsNaN(value) ? "nan" : "inf";
            return char.IsAsciiLetterUpper(Type) ? name.ToUpperInvariant() : name;
        }

        int precision = Precision < 0 ? 6 : Precision;
        return Type switch
        {
            'e' or 'E' => Exponent(value, precision),
            'g' or 'G' => General(value, Math.Max(1, precision)),
            '%' => (value * 100).ToString("F" + precision, CultureInfo.InvariantCulture) + "%",
            _ => value.ToString("F" + precision, CultureInfo.InvariantCulture),
        };
    }

    private string Exponent(double value, int precision)
    {
        string text = value.ToString((char.IsAsciiLetterUpper(Type) ? "E" : "e") + precision, CultureInfo.InvariantCulture);

        // .NET writes three digits of the exponent, C two at least.
        int digits = text.Length - 3;
        return text[digits] == '0' ? text.Remove(digits, 1) : text;
    }

    private string General(double value, int precision)
    {
        string exponential = Exponent(value, precision - 1);
        int mark = exponential.IndexOfAny(['e', 'E']);
        int exponent = int.Parse(exponential.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return exponent < -4 || exponent >= precision
            ? WithoutZeros(exponential[..mark]) + exponential[mark..]
            : WithoutZeros(value.ToString("F" + (precision - 1 - exponent), CultureInfo.InvariantCulture));
    }

    private string WithoutZeros(string digits) => digits.Contains('.') && !IsAlternate ? digits.TrimEnd('0').TrimEnd('.') : digits;

    private static string WithCommas(string digits)
    {
        int whole = digits.AsSpan().IndexOfAnyExceptInRange('0', '9');
        var result = new StringBuilder(digits);
        for (int i = (whole < 0 ? digits.Length : whole) - 3; i > 0; i -= 3)
        {
            result.Insert(i, ',');
        }

        return result.ToString();
    }
}
