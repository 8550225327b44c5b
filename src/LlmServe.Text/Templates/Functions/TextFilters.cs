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
        new("title", [], 0, static (context, self, _) => new StringValue(Title(context, Take.Soft(context, self).Text))),
        new("trim", ["chars"], 0, Trim),
        new("replace", ["old", "new", "count"], 2, Replace),
        new("string", [], 0, static (context, self, _) => Take.Soft(context, self)),
        new("truncate", ["length", "killwords", "end", "leeway"], 0, Truncate),
        new("wordcount", [], 0, static (context, self, _) => IntValue.Of(CountWords(Take.Soft(context, self).Text))),
        BuiltIn.Variadic("format", Format),
        new("urlencode", [], 0, UrlEncode),
    ];

    private static StringValue Map(RenderContext context, Value self, Func<string, string> change)
    {
        var text = Take.Soft(context, self);
        return Take.Like(context, text, change(text.Text));
    }

    private static Value Trim(RenderContext context, Value self, Value?[] arguments)
    {
        var text = Take.Soft(context, self);
        string? set = Take.Text(arguments[0], "chars");
        return Take.Like(context, text, set is null ? PythonText.Strip(text.Text) : PythonText.Strip(text.Text, set, true, true));
    }

    private static Value Replace(RenderContext context, Value self, Value?[] arguments)
    {
        string text = PythonFormat.Str(context, self);
        string old = PythonFormat.Str(context, arguments[0]!);
        string with = PythonFormat.Str(context, arguments[1]!);
        return new StringValue(StringSearch.Replace(context, text, old, with, Take.Int(arguments[2], -1, "count")));
    }

    /// <summary>A capital at the start of the text and after each run of spaces, hyphens and opening brackets.</summary>
    private static string Title(RenderContext context, string text)
    {
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

        return result.ToString();
    }

    private static Value Truncate(RenderContext context, Value self, Value?[] arguments)
    {
        int length = Take.Int(arguments[0], 255, "length");
        string end = arguments[2] is null ? "..." : PythonFormat.Str(context, arguments[2]!);
        int leeway = Take.Int(arguments[3], 5, "leeway");
        int kept = length - CodePoints.Count(end);
        if (kept < 0 || leeway < 0)
        {
            throw new TemplateRuntimeException($"truncate cannot cut to {length} characters with an end of {CodePoints.Count(end)} and a leeway of {leeway}");
        }

        int actual = self.Length ?? throw new TemplateRuntimeException($"truncate needs a string, not a value of type '{self.TypeName}'");
        if (actual <= (long)length + leeway)
        {
            return self;
        }

        var text = self as StringValue ?? throw new TemplateRuntimeException($"truncate cannot cut a value of type '{self.TypeName}'");

        string cut = text.Text[..CodePoints.OffsetOf(text.Text, kept)];
        int space = Take.Flag(arguments[1]) ? -1 : cut.LastIndexOf(' ');
        return Take.Like(context, text, (space < 0 ? cut : cut[..space]) + end);
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
            ? new DictValue(context, [.. arguments.Named.Select(pair => KeyValuePair.Create<Value, Value>(new StringValue(pair.Key), pair.Value))])
            : new TupleValue(context, arguments.Positional);
        return PercentFormat.Format(context, Take.Soft(context, self), values);
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
        return new StringValue(string.Join('&', pairs.Select(pair =>
            Quoted(context, pair.Item1, isQuery: true).Text + "=" + Quoted(context, pair.Item2, isQuery: true).Text)));
    }

    private static StringValue Quoted(RenderContext context, Value value, bool isQuery)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(PythonFormat.Str(context, value));
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

        return new StringValue(result.ToString());
    }
}
