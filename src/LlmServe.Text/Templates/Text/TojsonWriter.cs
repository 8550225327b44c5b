using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>json.dumps</c> with the options that templates set.</summary>
internal sealed class TojsonWriter
{
    private readonly RenderContext _context;
    private readonly TextBuilder _result = new();
    private readonly bool _escapesNonAscii;
    private readonly StringValue? _indent;
    private readonly StringValue _itemSeparator;
    private readonly StringValue _keySeparator;
    private readonly bool _sortsKeys;

    /// <param name="context">The render whose limits count.</param>
    /// <param name="escapesNonAscii">Whether characters beyond ASCII become <c>\uXXXX</c>.</param>
    /// <param name="indent">Text that one level is indented by, or null to write everything on one line.</param>
    /// <param name="separators">Between items and after keys; null for the defaults.</param>
    /// <param name="sortsKeys">Whether dicts are written in the order of their keys.</param>
    public TojsonWriter(
        RenderContext context, bool escapesNonAscii, StringValue? indent, (StringValue Item, StringValue Key)? separators, bool sortsKeys)
    {
        _context = context;
        _escapesNonAscii = escapesNonAscii;
        _indent = indent;
        (_itemSeparator, _keySeparator) = separators ?? (StringValue.Of(indent is null ? ", " : ","), StringValue.Of(": "));
        _sortsKeys = sortsKeys;
    }

    public StringValue Write(Value value)
    {
        Append(value, 0);
        return _result.ToValue();
    }

    private void Append(Value value, int level)
    {
        _context.ChargeText(8);
        switch (value)
        {
            case StringValue text:
                AppendString(text);
                break;
            case SequenceValue sequence:
                AppendList(sequence, level);
                break;
            case DictValue dict:
                AppendDict(dict, level);
                break;
            default:
                _result.Append(Simple(value) ?? throw ((value as UndefinedValue)?.Fail()
                    ?? new TemplateRuntimeException($"tojson cannot write a value of type '{value.TypeName}'")));
                break;
        }
    }

    private static string? Simple(Value value) => value switch
    {
        NoneValue => "null",
        BoolValue flag => flag.IsTrue ? "true" : "false",
        IntValue integer => integer.Number.ToString(CultureInfo.InvariantCulture),
        FloatValue real when double.IsNaN(real.Number) => "NaN",
        FloatValue real when double.IsInfinity(real.Number) => real.Number > 0 ? "Infinity" : "-Infinity",
        FloatValue real => PythonFormat.Float(real.Number),
        _ => null,
    };

    private void AppendList(SequenceValue list, int level)
    {
        if (list.Elements.Length == 0)
        {
            _result.Append("[]");
            return;
        }

        _result.Append('[');
        for (int i = 0; i < list.Elements.Length; i++)
        {
            StartItem(i, level + 1);
            Append(list.Elements[i], level + 1);
        }

        StartLine(level);
        _result.Append(']');
    }

    private void AppendDict(DictValue dict, int level)
    {
        if (dict.Entries.Length == 0)
        {
            _result.Append("{}");
            return;
        }

        _result.Append('{');
        var entries = _sortsKeys ? Sorting.Stable(_context, dict.Entries, static entry => entry.Key) : dict.Entries;
        for (int i = 0; i < entries.Length; i++)
        {
            StartItem(i, level + 1);
            var key = entries[i].Key;
            AppendString(key as StringValue ?? StringValue.Of(Simple(key)
                ?? throw new TemplateRuntimeException($"tojson cannot write a dict's key of type '{key.TypeName}'")));
            _context.ChargeText(_keySeparator.Text.Length);
            _result.Append(_keySeparator);
            Append(entries[i].Value, level + 1);
        }

        StartLine(level);
        _result.Append('}');
    }

    private void StartItem(int index, int level)
    {
        if (index > 0)
        {
            _context.ChargeText(_itemSeparator.Text.Length);
            _result.Append(_itemSeparator);
        }

        StartLine(level);
    }

    private void StartLine(int level)
    {
        if (_indent is null)
        {
            return;
        }

        _context.ChargeText(1 + ((long)level * _indent.Text.Length));
        _result.Append('\n');
        for (int i = 0; i < level; i++)
        {
            _result.Append(_indent);
        }
    }

    private void AppendString(StringValue text)
    {
        _context.ChargeText(2 + text.Text.Length);
        _result.Append('"').AppendMapped(text, Escaped).Append('"');
    }

    private string Escaped(string text)
    {
        var result = new StringBuilder(text.Length + 8);
        int written = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c >= ' ' && c != '"' && c != '\\' && (c < 0x7F || !_escapesNonAscii))
            {
                continue;
            }

            result.Append(text, written, i - written);
            written = i + 1;
            AppendEscape(result, c);
        }

        return written == 0 ? text : result.Append(text, written, text.Length - written).ToString();
    }

    private void AppendEscape(StringBuilder result, char c)
    {
        _context.ChargeText(6);
        int known = "\"\\\b\f\n\r\t".IndexOf(c, StringComparison.Ordinal);
        if (known >= 0)
        {
            result.Append('\\').Append("\"\\bfnrt"[known]);
        }
        else
        {
            result.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        }
    }
}
