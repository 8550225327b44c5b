using System.Globalization;
using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>Filters on single values: default, int, float, round, abs, attr.</summary>
internal static class ValueFilters
{
    public static readonly BuiltIn[] All =
    [
        new("default", ["default_value", "boolean"], 0, Default),
        new("d", ["default_value", "boolean"], 0, Default),
        new("int", ["default", "base"], 0, ToInt),
        new("float", ["default"], 0, static (context, self, arguments) =>
            ToFloat(context, self) is { } number ? new FloatValue(number) : arguments[0] ?? new FloatValue(0)),
        new("abs", [], 0, Abs),
        new("round", ["precision", "method"], 0, Round),
        new("attr", ["name"], 1, Attribute),
    ];

    /// <summary>Python's <c>float(x)</c>, or null where it fails.</summary>
    public static double? ToFloat(RenderContext context, Value value)
    {
        if (Operators.TryNumber(value, out var number))
        {
            return number.AsFloat;
        }

        if (value is not StringValue text)
        {
            return value is UndefinedValue undefined ? throw undefined.Fail() : null;
        }

        string digits = PythonText.Strip(text.Text);
        return digits.TrimStart('+', '-').ToLowerInvariant() switch
        {
            "inf" or "infinity" => digits[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity,
            "nan" => double.NaN,
            _ => IsNumeric(digits) && double.TryParse(
                digits.Replace("_", "", StringComparison.Ordinal), NumberStyles.Float, CultureInfo.InvariantCulture, out double result) ? result : null,
        };
    }

    private static bool IsNumeric(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept("0123456789+-._eE")
        && text[0] != '_' && text[^1] != '_' && !text.Contains("__", StringComparison.Ordinal);

    private static Value Default(RenderContext context, Value self, Value?[] arguments) =>
        self is UndefinedValue || (Take.Flag(arguments[1]) && !self.IsTrue) ? arguments[0] ?? StringValue.Empty : self;

    private static Value ToInt(RenderContext context, Value self, Value?[] arguments)
    {
        Value fallback = arguments[0] ?? IntValue.Of(0);
        if (self is StringValue text && ParseInteger(PythonText.Strip(text.Text), Take.Int(arguments[1], 10, "base")) is { } integer)
        {
            return IntValue.Of(integer);
        }

        if (Operators.TryNumber(self, out var number) && !number.IsFloat)
        {
            return IntValue.Of(number.Integer);
        }

        return ToFloat(context, self) is { } real && double.IsFinite(real) ? IntValue.Of(new BigInteger(real)) : fallback;
    }

    private static BigInteger? ParseInteger(string text, int radix)
    {
        bool isNegative = text.StartsWith('-');
        string digits = (isNegative || text.StartsWith('+') ? text[1..] : text).ToLowerInvariant();
        string prefix = radix switch { 2 => "0b", 8 => "0o", 16 => "0x", _ => "" };
        digits = prefix.Length > 0 && digits.StartsWith(prefix, StringComparison.Ordinal) ? digits[2..] : digits;
        if (digits.Length is 0 or > 4300 || radix is < 2 or > 36 || digits[0] == '_' || digits[^1] == '_' || digits.Contains("__", StringComparison.Ordinal))
        {
            return null;
        }

        BigInteger value = 0;
        foreach (char c in digits)
        {
            int digit = char.IsAsciiDigit(c) ? c - '0' : char.IsAsciiLetterLower(c) ? c - 'a' + 10 : int.MaxValue;
            if (c != '_' && digit >= radix)
            {
                return null;
            }

            value = c == '_' ? value : (value * radix) + digit;
        }

        return isNegative ? -value : value;
    }

    private static Value Abs(RenderContext context, Value self, Value?[] arguments)
    {
        if (!Operators.TryNumber(self, out var number))
        {
            throw (self as UndefinedValue)?.Fail() ?? new TemplateRuntimeException($"abs needs a number, not a value of type '{self.TypeName}'");
        }

        return number.IsFloat ? new FloatValue(Math.Abs(number.Float)) : IntValue.Of(BigInteger.Abs(number.Integer));
    }

    private static Value Round(RenderContext context, Value self, Value?[] arguments)
    {
        if (!Operators.TryNumber(self, out var number))
        {
            throw (self as UndefinedValue)?.Fail() ?? new TemplateRuntimeException($"round needs a number, not a value of type '{self.TypeName}'");
        }

        int precision = Take.Int(arguments[0], 0, "precision");
        string method = Take.Text(arguments[1], "method") ?? "common";
        if (method is not ("common" or "ceil" or "floor"))
        {
            throw new TemplateRuntimeException("the argument 'method' of round is 'common', 'ceil' or 'floor'");
        }

        if (method == "common")
        {
            return number.IsFloat ? new FloatValue(Rounding.HalfEven(number.Float, precision))
                : precision >= 0 ? IntValue.Of(number.Integer) : IntValue.Of(Rounding.HalfEven(number.Integer, precision));
        }

        double scale = Math.Pow(10, precision);
        double scaled = number.AsFloat * scale;
        return new FloatValue((method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled)) / scale);
    }

    private static Value Attribute(RenderContext context, Value self, Value?[] arguments)
    {
        string name = Take.Text(arguments[0], "name") ?? "";
        return self is UndefinedValue undefined ? throw undefined.Fail() : self.GetAttribute(name) ?? UndefinedValue.Member(self, name);
    }
}
