using System.Globalization;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>str.format</c>, with fields such as <c>{}</c>, <c>{0}</c>, <c>{name.part[0]!r:&gt;10}</c>.</summary>
internal sealed class BraceFormat
{
    private readonly RenderContext _context;
    private readonly StringValue _format;
    private readonly Arguments _arguments;
    private int _next;

    private BraceFormat(RenderContext context, StringValue format, Arguments arguments)
    {
        _context = context;
        _format = format;
        _arguments = arguments;
    }

    public static Value Format(RenderContext context, Value self, Arguments arguments) =>
        new BraceFormat(context, (StringValue)self, arguments).Run();

    private StringValue Run()
    {
        string text = _format.Text;
        _context.ChargeText(text.Length);
        var result = new TextBuilder();
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c is '{' or '}' && i + 1 < text.Length && text[i + 1] == c)
            {
                result.Append(c);
                i++;
            }
            else if (c == '{')
            {
                int end = text.IndexOf('}', i);
                if (end < 0 || text.AsSpan(i + 1, end - i - 1).Contains('{'))
                {
                    throw new TemplateRuntimeException("a format has a '{' without '}', or a field inside a field, which is not supported");
                }

                var piece = Field(text[(i + 1)..end]);
                _context.ChargeText(piece.Text.Length);
                result.Append(piece);
                i = end;
            }
            else
            {
                result.Append(c != '}' ? c : throw new TemplateRuntimeException("a format has a '}' without '{'"));
            }
        }

        // A format that is not the template's makes all of the result input.
        var value = result.ToValue(_format.IsSafe);
        return _format.Origin.IsTemplate ? value : new StringValue(value.Text, Origin.Input, value.IsSafe);
    }

    private StringValue Field(string field)
    {
        int colon = field.IndexOf(':');
        string spec = colon < 0 ? "" : field[(colon + 1)..];
        string name = colon < 0 ? field : field[..colon];
        char conversion = name.Length >= 2 && name[^2] == '!' ? name[^1] : '\0';
        var value = Resolve(conversion == '\0' ? name : name[..^2]);
        value = conversion switch
        {
            '\0' => value,
            's' => PythonFormat.Str(_context, value).With(isSafe: false),
            'r' or 'a' => PythonFormat.Repr(_context, value),
            _ => throw new TemplateRuntimeException($"a format has no conversion '!{conversion}'"),
        };
        var text = Write(value, spec);
        return _format.IsSafe && value is not StringValue { IsSafe: true } ? Html.Escape(_context, text.With(isSafe: false)) : text;
    }

    private Value Resolve(string name)
    {
        int end = name.AsSpan().IndexOfAny('.', '[');
        string first = end < 0 ? name : name[..end];
        var value = Argument(first);
        int at = first.Length;
        while (at < name.Length)
        {
            bool isItem = name[at] == '[';
            int stop = isItem ? name.IndexOf(']', at) : name.AsSpan(at + 1).IndexOfAny('.', '[') is var next && next < 0 ? name.Length : at + 1 + next;
            if (stop < 0 || stop == at + 1)
            {
                throw new TemplateRuntimeException($"the field {PythonFormat.Quote(name)} of a format cannot be read");
            }

            var key = StringValue.Of(name[(at + 1)..stop]);
            value = !isItem ? Members.Attribute(_context, value, key.Text, key)
                : Members.Item(_context, value, ItemKey(key));
            at = isItem ? stop + 1 : stop;
        }

        return value is UndefinedValue undefined ? throw undefined.Fail() : value;
    }

    private static Value ItemKey(StringValue key) =>
        int.TryParse(key.Text, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? IntValue.Of(index) : key;

    private Value Argument(string name)
    {
        if (name.Length == 0 || int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            int index = name.Length == 0 ? _next++ : int.Parse(name, NumberStyles.None, CultureInfo.InvariantCulture);
            return index < _arguments.Positional.Length
                ? _arguments.Positional[index] : throw new TemplateRuntimeException($"a format asks for argument {index}, which is missing");
        }

        foreach (var (key, value) in _arguments.Named)
        {
            if (key.Text == name)
            {
                return value;
            }
        }

        throw new TemplateRuntimeException($"a format asks for the argument {PythonFormat.Quote(name)}, which is missing");
    }

    private StringValue Write(Value value, string spec)
    {
        if (spec.Length == 0)
        {
            return PythonFormat.Str(_context, value);
        }

        var parsed = Parse(spec);
        _context.ChargeText(parsed.Width + Math.Max(0, parsed.Precision));
        if (value is StringValue text && parsed.Type is 's' or '\0')
        {
            return parsed.Text(text);
        }

        bool isWhole = parsed.Type is 'd' or 'x' or 'X' or 'o' or 'b';
        if (!Operators.TryNumber(value, out var number) || (number.IsFloat && isWhole) || parsed.Type == 's')
        {
            throw new TemplateRuntimeException($"the format {PythonFormat.Quote(spec)} has no meaning for a value of type '{value.TypeName}'");
        }

        if (parsed.Type != '\0')
        {
            return StringValue.Of(parsed.Number(number));
        }

        return number.IsFloat && parsed.Precision < 0
            ? (parsed with { Type = 's', Align = parsed.Align == '\0' ? '>' : parsed.Align }).Text(StringValue.Of(PythonFormat.Float(number.Float)))
            : StringValue.Of((parsed with { Type = number.IsFloat ? 'g' : 'd' }).Number(number));
    }

    /// <summary>Reads <c>[[fill]align][sign][#][0][width][,][.precision][type]</c>.</summary>
    private static FormatSpec Parse(string spec)
    {
        int at = 0;
        char Peek(int offset = 0) => at + offset < spec.Length ? spec[at + offset] : '\0';
        char fill = ' ';
        char align = '\0';
        if (Peek(1) is '<' or '>' or '^' or '=')
        {
            (fill, align, at) = (Peek(), Peek(1), 2);
        }
        else if (Peek() is '<' or '>' or '^' or '=')
        {
            (align, at) = (Peek(), 1);
        }

        char sign = Peek() is '+' or '-' or ' ' ? spec[at++] : '\0';
        bool isAlternate = Peek() == '#' && at++ >= 0;
        if (Peek() == '0' && align == '\0')
        {
            (fill, align) = ('0', '=');
        }

        int Number()
        {
            int start = at;
            while (char.IsAsciiDigit(Peek()))
            {
                at++;
            }

            return start == at ? -1 : int.TryParse(spec.AsSpan(start, at - start), CultureInfo.InvariantCulture, out int value) && value <= FormatSpec.MaxWidth
                ? value : throw new TemplateRuntimeException($"a width in a format is beyond {FormatSpec.MaxWidth}");
        }

        int width = Math.Max(0, Number());
        bool hasCommas = Peek() == ',' && at++ >= 0;
        int precision = Peek() == '.' && at++ >= 0 ? Math.Max(0, Number()) : -1;
        char type = Peek();
        return at + (type == '\0' ? 0 : 1) == spec.Length && (type == '\0' || "sdxXobeEfFgG%".Contains(type))
            ? new FormatSpec(type, width, precision)
            {
                Align = align,
                Fill = fill,
                Sign = sign == '-' ? '\0' : sign,
                IsAlternate = isAlternate,
                HasCommas = hasCommas,
            }
            : throw new TemplateRuntimeException($"the format {PythonFormat.Quote(spec)} cannot be read");
    }
}
