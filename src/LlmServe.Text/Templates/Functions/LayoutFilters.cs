using System.Globalization;

namespace LlmServe.Text.Templates;

/// <summary>Filters that lay out a text or write a value down: indent, center, tojson, …</summary>
internal static class LayoutFilters
{
    public static readonly BuiltIn[] All =
    [
        new("indent", ["width", "first", "blank"], 0, Indent),
        new("center", ["width"], 0, static (context, self, arguments) =>
            Padding.Center(context, Take.Soft(context, self), Take.Int(arguments[0], 80, "width"), ' ')),
        new("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"], 0, ToJson),
        new("pprint", [], 0, static (context, self, _) => new StringValue(PythonFormat.Repr(context, self))),
        new("filesizeformat", ["binary"], 0, FileSize),
    ];

    private static Value Indent(RenderContext context, Value self, Value?[] arguments)
    {
        var text = self as StringValue ?? throw ((self as UndefinedValue)?.Fail()
            ?? new TemplateRuntimeException($"indent needs a string, not a value of type '{self.TypeName}'"));
        string indent = IndentText(context, arguments[0]) ?? new string(' ', 4);
        bool indentsBlank = Take.Flag(arguments[2]);
        var lines = PythonText.SplitLines(context, text.Text + "\n");
        context.ChargeText(text.Text.Length + ((indent.Length + 1L) * lines.Count));
        for (int i = 0; i < lines.Count; i++)
        {
            bool isIndented = i == 0 ? Take.Flag(arguments[1]) : indentsBlank || lines[i].Length > 0;
            lines[i] = isIndented ? indent + lines[i] : lines[i];
        }

        return new StringValue(string.Join('\n', lines), text.IsSafe);
    }

    /// <summary>An indent that is given as a text or as a number of spaces; null where it is not given.</summary>
    private static string? IndentText(RenderContext context, Value? width)
    {
        if (width is null or NoneValue or StringValue)
        {
            return (width as StringValue)?.Text;
        }

        int count = Math.Max(0, Take.Int(width, 0, "indent"));
        context.ChargeText(count);
        return new string(' ', count);
    }

    private static Value ToJson(RenderContext context, Value self, Value?[] arguments)
    {
        (string, string)? separators = arguments[2] switch
        {
            null or NoneValue => null,
            SequenceValue { Elements: [StringValue item, StringValue key] } => (item.Text, key.Text),
            _ => throw new TemplateRuntimeException("the argument 'separators' of tojson is a pair of strings"),
        };
        var writer = new TojsonWriter(context, Take.Flag(arguments[0]), IndentText(context, arguments[1]), separators, Take.Flag(arguments[3]));
        return new StringValue(writer.Write(self));
    }

    private static Value FileSize(RenderContext context, Value self, Value?[] arguments)
    {
        double bytes = ValueFilters.ToFloat(context, self)
            ?? throw new TemplateRuntimeException($"filesizeformat needs a number, not a value of type '{self.TypeName}'");
        bool isBinary = Take.Flag(arguments[0]);
        double unit = isBinary ? 1024 : 1000;
        if (bytes == 1)
        {
            return new StringValue("1 Byte");
        }

        if (bytes < unit)
        {
            return new StringValue($"{new System.Numerics.BigInteger(bytes)} Bytes");
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
        return new StringValue($"{scaled.ToString("F1", CultureInfo.InvariantCulture)} {name}");
    }
}
