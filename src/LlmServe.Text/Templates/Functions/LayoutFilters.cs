using System.Globalization;

namespace LlmServe.Text.Templates;

/// <summary>Filters that lay out a text or write a value down: indent, center, tojson, …</summary>
internal static class LayoutFilters
{
    public static readonly BuiltIn[] All =
    [
        new("indent", ["width", "first", "blank"], 0, Indent),
        new("center", ["width"], 0, static (context, self, arguments) =>
            Padding.Center(context, PythonFormat.Str(context, self), Take.Int(arguments[0], 80, "width"), Padding.Blank)),
        new("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], 0, ToJson),
        new("pprint", [], 0, static (context, self, _) => PythonFormat.Repr(context, self)),
        new("filesizeformat", ["binary"], 0, FileSize),
    ];

    private static Value Indent(RenderContext context, Value self, Value?[] arguments)
    {
        var text = self as StringValue ?? throw ((self as UndefinedValue)?.Fail()
            ?? new TemplateRuntimeException($"indent needs a string, not a value of type '{self.TypeName}'"));
        var indent = IndentText(context, arguments[0]) ?? StringValue.Of("    ");
        bool indentsBlank = Take.Flag(arguments[2]);
        var lines = PythonText.SplitLines(context, text.Text + "\n");
        context.ChargeText(text.Text.Length + ((indent.Text.Length + 1L) * lines.Count));
        var result = new TextBuilder(text.Text.Length);
        for (int i = 0; i < lines.Count; i++)
        {
            bool isIndented = i == 0 ? Take.Flag(arguments[1]) : indentsBlank || lines[i].Length > 0;
            result.Append(i == 0 ? "" : "\n").Append(isIndented ? indent : StringValue.Empty).Append(text, lines[i].Start, lines[i].Length);
        }

        return result.ToValue(text.IsSafe);
    }

    /// <summary>An indent that is given as a text or as a number of spaces; null where it is not given.</summary>
    private static StringValue? IndentText(RenderContext context, Value? width)
    {
        if (width is null or NoneValue or StringValue)
        {
            return width as StringValue;
        }

        int count = Math.Max(0, Take.Int(width, 0, "indent"));
        context.ChargeText(count);
        return StringValue.Of(new string(' ', count));
    }

    private static Value ToJson(RenderContext context, Value self, Value?[] arguments)
    {
        (StringValue, StringValue)? separators = arguments[2] switch
        {
            null or NoneValue => null,
            SequenceValue { Elements: [StringValue item, StringValue key] } => (item, key),
            _ => throw new TemplateRuntimeException("the argument 'separators' of tojson is a pair of strings"),
        };
        var writer = new TojsonWriter(context, Take.Flag(arguments[0]), IndentText(context, arguments[1]), separators, Take.Flag(arguments[3]));
        return writer.Write(self);
    }

    private static Value FileSize(RenderContext context, Value self, Value?[] arguments)
    {
        double bytes = ValueFilters.ToFloat(context, self)
            ?? throw new TemplateRuntimeException($"filesizeformat needs a number, not a value of type '{self.TypeName}'");
        bool isBinary = Take.Flag(arguments[0]);
        double unit = isBinary ? 1024 : 1000;
        if (bytes == 1)
        {
            return StringValue.Of("1 Byte");
        }

        if (bytes < unit)
        {
            return StringValue.Of($"{new System.Numerics.BigInteger(bytes)} Bytes");
        }

        const string Prefixes = "kMGTPEZY";
        int power = 0;
        double scaled = bytes / unit;
        while (scaled >= unit && power < Prefixes.Length - 1)
        {
            scaled /= unit;
            power++;
        }

        string name = isBinary ? $"{char.ToUpperInvariant(Prefixes[power])}iB" : $"{Prefixes[power]}B";
        return StringValue.Of($"{scaled.ToString("F1", CultureInfo.InvariantCulture)} {name}");
    }
}
