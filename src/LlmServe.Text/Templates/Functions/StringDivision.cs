namespace LlmServe.Text.Templates;

/// <summary>Methods of strings that cut a string into several.</summary>
internal static class StringDivision
{
    public static BuiltIn[] All =>
    [
        new("split", ["sep", "maxsplit"], 0, static (context, self, arguments) => Split(context, self, arguments, StringSearch.Split)),
        new("rsplit", ["sep", "maxsplit"], 0, static (context, self, arguments) => Split(context, self, arguments, StringSearch.SplitFromEnd)),
        new("splitlines", ["keepends"], 0, static (context, self, arguments) =>
        {
            var text = (StringValue)self;
            context.ChargeText(text.Text.Length);
            return List(context, text, PythonText.SplitLines(context, text.Text, Take.Flag(arguments[0])));
        }),
        new("partition", ["sep"], 1, static (context, self, arguments) => Partition(context, self, arguments, false)),
        new("rpartition", ["sep"], 1, static (context, self, arguments) => Partition(context, self, arguments, true)),
    ];

    private static Value Split(
        RenderContext context, Value self, Value?[] arguments, Func<RenderContext, string, string?, int, List<TextSpan>> split)
    {
        var text = (StringValue)self;
        string? separator = Take.Text(arguments[0], "sep");
        return List(context, text, split(context, text.Text, separator, Take.Int(arguments[1], -1, "maxsplit")));
    }

    private static ListValue List(RenderContext context, StringValue text, List<TextSpan> parts) =>
        new(context, [.. parts.Select(part => text.Slice(part.Start, part.End))]);

    private static Value Partition(RenderContext context, Value self, Value?[] arguments, bool fromEnd)
    {
        var text = (StringValue)self;
        var mark = StringMethods.Part(context, text, arguments[0]);
        string separator = mark.Text;
        StringSearch.RequireSeparator(separator);
        context.ChargeSearch(text.Text, separator);
        context.ChargeText(text.Text.Length);
        int at = fromEnd ? text.Text.AsSpan().LastIndexOf(separator, StringComparison.Ordinal) : text.Text.IndexOf(separator, StringComparison.Ordinal);
        var empty = StringValue.Empty.With(text.IsSafe);
        return new TupleValue(context, at < 0
            ? fromEnd ? [empty, empty, text] : [text, empty, empty]
            : [text.Slice(0, at), mark.With(text.IsSafe), text.Slice(at + separator.Length, text.Text.Length)]);
    }
}
