using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Filters that change a text.</summary>
internal static class TextFilters
{
    public static readonly BuiltIn[] All =
    [
        new("upper", [], 0, static (context, self, _) => Map(context, self, PythonCase.Upper)),
        new("lower", [], 0, static (context, self, _) => Map(context, self, PythonCase.Lower)),
        new("capitalize", [], 0, static (context, self, _) => Map(context, self, PythonCase.Capitalize)),
        new("title", [], 0, static (context, self, _) => Title(context, PythonFormat.Str(context, self))),
        new("trim", ["chars"], 0, Trim),
        new("replace", ["old", "new", "count"], 2, Replace),
        new("string", [], 0, static (context, self, _) => PythonFormat.Str(context, self)),
        new("truncate", ["length", "killwords", "end", "leeway"], 0, Truncate),
        new("wordcount", [], 0, static (context, self, _) => IntValue.Of(CountWords(PythonFormat.Str(context, self).Text))),
        BuiltIn.Variadic("format", Format),
        new("urlencode", [], 0, UrlEncode),
    ];

    private static StringValue Map(RenderContext context, Value self, Func<string, string> change)
    {
        var text = PythonFormat.Str(context, self);
        return Take.Changed(context, text, change(text.Text));
    }

    private static Value Trim(RenderContext context, Value self, Value?[] arguments)
    {
        var text = PythonFormat.Str(context, self);
        var (start, end) = PythonText.Stripped(text.Text, Take.Text(arguments[0], "chars"), true, true);
        return Take.Part(context, text, start, end);
    }

    private static Value Replace(RenderContext context, Value self, Value?[] arguments)
    {
        var text = PythonFormat.Str(context, self);
        var old = PythonFormat.Str(context, arguments[0]!);
        var with = PythonFormat.Str(context, arguments[1]!);
        return StringSearch.Replace(context, text, old.Text, with, Take.Int(arguments[2], -1, "count")).With(isSafe: false);
    }

    /// <summary>A capital at the start of the text and after each run of spaces, hyphens and opening brackets.</summary>
    private static StringValue Title(RenderContext context, StringValue source)
    {
        string text = source.Text;
        context.ChargeText(text.Length * 3L);
        var result = new StringBuilder(text.Length);
        bool startsWord = true;
        for (int i = 0; i < text.Length;)
        {
            int length = CodePoints.LengthAt(text, i);
            string piece = text.Substring(i, length);
            bool separates = PythonText.IsWhitespace(text[i]) || text[i] is '-' or '(' or '{' or '[' or '<';
            result.Append(separates ? piece : startsWord ? PythonCase.Upper(piece) : PythonCase.Lower(piece));
            startsWord = separates;
            i += length;
        }

        return source.Changed(result.ToString()).With(isSafe: false);
    }

    private static Value Truncate(RenderContext context, Value self, Value?[] arguments)
    {
        int length = Take.Int(arguments[0], 255, "length");
        var end = arguments[2] is null ? StringValue.Of("...") : PythonFormat.Str(context, arguments[2]!);
        int leeway = Take.Int(arguments[3], 5, "leeway");
        int kept = length - end.Length!.Value;
        if (kept < 0 || leeway < 0)
        {
            throw new TemplateRuntimeException($"truncate cannot cut to {length} characters with an end of {end.Length} and a leeway of {leeway}");
        }

        int actual = self.Length ?? throw new TemplateRuntimeException($"truncate needs a string, not a value of type '{self.TypeName}'");
        if (actual <= (long)length + leeway)
        {
            return self;
        }

        var text = self as StringValue ?? throw new TemplateRuntimeException($"truncate cannot cut a value of type '{self.TypeName}'");

        string cut = text.Text[..CodePoints.OffsetOf(text.Text, kept)];
        int space = Take.Flag(arguments[1]) ? -1 : cut.LastIndexOf(' ');
        int stop = space < 0 ? cut.Length : space;
        context.ChargeText((long)stop + end.Text.Length);
        return new TextBuilder(stop + end.Text.Length).Append(text, 0, stop).Append(end).ToValue(text.IsSafe);
    }

    private static int CountWords(string text)
    {
        int count = 0;
        bool inWord = false;
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            int point = CodePoints.At(text, i);
            bool isWord = point == '_' || (Rune.IsValid(point) && Rune.IsLetterOrDigit(new Rune(point)));
            count += isWord && !inWord ? 1 : 0;
            inWord = isWord;
        }

        return count;
    }

    private static Value Format(RenderContext context, Value self, Arguments arguments)
    {
        if (arguments.Positional.Length > 0 && arguments.Named.Length > 0)
        {
            throw new TemplateRuntimeException("format takes positional or named arguments, not both");
        }

        Value values = arguments.Named.Length > 0
            ? new DictValue(context, [.. arguments.Named.Select(named => named.ToEntry())])
            : new TupleValue(context, arguments.Positional);
        return PercentFormat.Format(context, PythonFormat.Str(context, self), values);
    }

    private static Value UrlEncode(RenderContext context, Value self, Value?[] arguments)
    {
        if (self is StringValue || self.Items(context) is not { } items)
        {
            return Quoted(context, self, isQuery: false);
        }

        var pairs = self is DictValue dict
            ? dict.Entries.Select(entry => (entry.Key, entry.Value))
            : items.Select(item => item is SequenceValue { Elements.Length: 2 } pair
                ? (pair.Elements[0], pair.Elements[1]) : throw new TemplateRuntimeException("urlencode needs a string, a dict or pairs"));
        var text = new TextBuilder();
        foreach (var (key, value) in pairs)
        {
            text.Append(text.Length == 0 ? "" : "&").Append(Quoted(context, key, isQuery: true)).Append("=").Append(Quoted(context, value, isQuery: true));
        }

        return text.ToValue();
    }

    private static StringValue Quoted(RenderContext context, Value value, bool isQuery) =>
        new TextBuilder().AppendMapped(PythonFormat.Str(context, value), text => Quoted(context, text, isQuery)).ToValue();

    private static string Quoted(RenderContext context, string text, bool isQuery)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        context.ChargeText(bytes.Length * 3L);
        var result = new StringBuilder(bytes.Length);
        foreach (byte b in bytes)
        {
            char c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || "_.-~".Contains(c) || (c == '/' && !isQuery))
            {
                result.Append(c);
            }
            else if (c == ' ' && isQuery)
            {
                result.Append('+');
            }
            else
            {
                result.Append('%').Append(b.ToString("X2"));
            }
        }

        return result.ToString();
    }
}
