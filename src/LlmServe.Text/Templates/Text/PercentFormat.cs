using System.Globalization;
using System.Numerics;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>format % values</c>.</summary>
internal sealed class PercentFormat
{
    private static readonly StringValue Percent = StringValue.Of("%");

    private readonly RenderContext _context;
    private readonly string _format;
    private readonly bool _isSafe;
    private readonly bool _isInput;
    private readonly DictValue? _named;
    private readonly Value[] _values;

    // Python does not miss the use of anything that can be indexed by a key.
    private readonly bool _isLenient;
    private int _position;
    private int _used;

    private PercentFormat(RenderContext context, StringValue format, Value values)
    {
        _context = context;
        _format = format.Text;
        _isSafe = format.IsSafe;
        _isInput = !format.Origin.IsTemplate; // then all of the result counts as input
        _named = values as DictValue;
        _isLenient = values is DictValue or ListValue or RangeValue or UndefinedValue;
        _values = values is TupleValue tuple ? tuple.Elements : [values];
    }

    public static Value Format(RenderContext context, StringValue format, Value values) => new PercentFormat(context, format, values).Run();

    private StringValue Run()
    {
        _context.ChargeText(_format.Length);
        var result = new TextBuilder();
        while (_position < _format.Length)
        {
            char c = _format[_position++];
            if (c == '%')
            {
                result.Append(Directive());
            }
            else
            {
                result.Append(c);
            }
        }

        return _used >= _values.Length || _isLenient
            ? Marked(result.ToValue(_isSafe))
            : throw new TemplateRuntimeException("'%' has more values on its right than its format uses");
    }

    private StringValue Marked(StringValue result) => _isInput ? new StringValue(result.Text, Origin.Input, _isSafe) : result;

    private StringValue Directive()
    {
        string? key = Peek() == '(' ? Key() : null;
        string flags = "";
        while (Peek() is '-' or '+' or ' ' or '#' or '0')
        {
            flags += _format[_position++];
            _context.Step();
        }

        int width = Size();
        int precision = -1;
        if (Peek() == '.')
        {
            _position++;
            precision = Math.Max(0, Size());
        }

        char type = Peek();
        _position++;
        if (type == '%')
        {
            return Percent;
        }

        var spec = new FormatSpec(type, Math.Abs(width), precision)
        {
            Align = flags.Contains('-') || width < 0 ? '<' : flags.Contains('0') ? '=' : '>',
            Fill = flags.Contains('0') && !flags.Contains('-') && type is not ('s' or 'r' or 'c' or 'a') ? '0' : ' ',
            Sign = flags.Contains('+') ? '+' : flags.Contains(' ') ? ' ' : '\0',
            IsAlternate = flags.Contains('#'),
        };
        _context.ChargeText(spec.Width + Math.Max(0, precision));
        var text = Write(spec, key is null ? NextValue() : Named(key));
        _context.ChargeText(text.Text.Length);
        return text;
    }

    private StringValue Write(FormatSpec spec, Value value)
    {
        switch (spec.Type)
        {
            case 's':
                return spec.Text(Escaped(PythonFormat.Str(_context, value), value));
            case 'r' or 'a':
                return spec.Text(Escaped(PythonFormat.Repr(_context, value), value));
            case 'c':
                return spec.Text(Character(value));
            case 'd' or 'i' or 'u' or 'x' or 'X' or 'o' or 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                if (!Operators.TryNumber(value, out var number))
                {
                    throw new TemplateRuntimeException($"'%{spec.Type}' needs a number, not a value of type '{value.TypeName}'");
                }

                bool isWhole = spec.Type is 'd' or 'i' or 'u' or 'x' or 'X' or 'o';
                return isWhole && number.IsFloat && (!double.IsFinite(number.Float) || spec.Type is 'x' or 'X' or 'o')
                    ? throw new TemplateRuntimeException($"'%{spec.Type}' needs an integer") : StringValue.Of(spec.Number(number));
            default:
                throw new TemplateRuntimeException($"the format has no directive '%{spec.Type}'");
        }
    }

    private static StringValue Character(Value value)
    {
        if (value is StringValue { Length: 1 } one)
        {
            return one;
        }

        return Operators.TryNumber(value, out var point) && Rune.TryCreate((int)BigInteger.Clamp(point.Integer, -1, 0x110000), out var rune)
            ? StringValue.FromInput(rune.ToString()) : throw new TemplateRuntimeException("'%c' needs one character or its code point");
    }

    private StringValue Escaped(StringValue text, Value value) => _isSafe && value is not StringValue { IsSafe: true } ? Html.Escape(_context, text) : text;

    private char Peek() => _position < _format.Length ? _format[_position] : throw new TemplateRuntimeException("a format ends within a '%' directive");

    private string Key()
    {
        int end = _format.IndexOf(')', _position);
        string key = end < 0 ? throw new TemplateRuntimeException("a '%(' in a format has no ')'") : _format[(_position + 1)..end];
        _position = end + 1;
        return key;
    }

    private Value Named(string key) => _named is null
        ? throw new TemplateRuntimeException("'%(name)' in a format needs a dict")
        : _named.Find(key) ?? throw new TemplateRuntimeException($"a format asks for the key {PythonFormat.Quote(key)}, which is missing");

    private Value NextValue() => _used < _values.Length
        ? _values[_used++] : throw new TemplateRuntimeException("'%' has fewer values on its right than its format uses");

    /// <summary>A width or precision, which may be one of the values.</summary>
    private int Size()
    {
        if (Peek() == '*')
        {
            _position++;
            return Limited(Take.Int(NextValue(), 0, "*"));
        }

        int start = _position;
        while (char.IsAsciiDigit(Peek()))
        {
            _position++;
        }

        return start == _position ? 0
            : Limited(int.TryParse(_format.AsSpan(start, _position - start), CultureInfo.InvariantCulture, out int size) ? size : int.MaxValue);
    }

    private static int Limited(int size) => size is >= -FormatSpec.MaxWidth and <= FormatSpec.MaxWidth
        ? size : throw new TemplateRuntimeException($"a width in a format is beyond {FormatSpec.MaxWidth}");
}
