using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>json.dumps</c> with the options that templates set.</summary>
internal sealed class TojsonWriter
{
    private readonly RenderContext _context;
    private readonly StringBuilder _result = new();
    private readonly bool _escapesNonAscii;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;
    private readonly bool _sortsKeys;

    /// <param name="context">The render whose limits count.</param>
    /// <param name="escapesNonAscii">Whether characters beyond ASCII become <c>\uXXXX</c>.</param>
    /// <param name="indent">Text that one level is indented by, or null to write everything on one line.</param>
    /// <param name="separators">Between items and after keys; null for the defaults.</param>
    /// <param name="sortsKeys">Whether dicts are written in the order of their keys.</param>
    public TojsonWriter(RenderContext context, bool escapesNonAscii, string? indent, (string Item, string Key)? separators, bool sortsKeys)
    {
        _context = context;
        _escapesNonAscii = escapesNonAscii;
        _indent = indent;
        (_itemSeparator, _keySeparator) = separators ?? (indent is null ? ", " : ",", ": ");
        _sortsKeys = sortsKeys;
    }

    public string Write(Value value)
    {
        Append(value, 0);
        return _result.ToString();
    }

    private void Append(Value value, int level)
    {
        _context.ChargeText(8);
        switch (value)
        {
            case StringValue text:
                AppendString(text.Text);
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
            AppendString(key is StringValue text ? text.Text : Simple(key)
                ?? throw new TemplateRuntimeException($"tojson cannot write a dict's key of type '{key.TypeName}'"));
            _context.ChargeText(_keySeparator.Length);
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
            _context.ChargeText(_itemSeparator.Length);
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

        _context.ChargeText(1 + ((long)level * _indent.Length));
        _result.Append('\n');
        for (int i = 0; i < level; i++)
        {
            _result.Append(_indent);
        }
    }

    private void AppendString(string text)
    {
        _context.ChargeText(2 + text.Length);
        _result.Append('"');
        int written = 0;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c >= ' ' && c != '"' && c != '\\' && (c < 0x7F || !_escapesNonAscii))
            {
                continue;
            }

            _result.Append(text, written, i - written);
            written = i + 1;
            AppendEscape(c);
        }

        _result.Append(text, written, text.Length - written).Append('"');
    }

    private void AppendEscape(char c)
    {
        _context.ChargeText(6);
        int known = "\"\\\b\f\n\r\t".IndexOf(c, StringComparison.Ordinal);
        if (known >= 0)
        {
            _result.Append('\\').Append("\"\\bfnrt"[known]);
        }
        else
        {
            _result.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        }
    }
}
