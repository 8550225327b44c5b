namespace LlmServe.Text.Templates;

/// <summary>Python's <c>replace</c>, <c>split</c> and their like, with their work and results accounted for.</summary>
internal static class StringSearch
{
    /// <summary>Python's <c>text.replace(old, new, count)</c>; a negative count replaces all.</summary>
    public static StringValue Replace(RenderContext context, StringValue source, string old, StringValue with, int count)
    {
        string text = source.Text;
        context.ChargeSearch(text, old);
        if (count == 0 || (old.Length > 0 && !text.Contains(old, StringComparison.Ordinal)))
        {
            return source;
        }

        var result = new TextBuilder();
        int from = 0;
        int next = old.Length == 0 ? 0 : text.IndexOf(old, StringComparison.Ordinal);
        while (next >= 0 && count != 0)
        {
            context.ChargeText((long)(next - from) + with.Text.Length);
            result.Append(source, from, next - from).Append(with);
            from = next + old.Length;
            count--;
            next = old.Length > 0 ? text.IndexOf(old, from, StringComparison.Ordinal)
                : next < text.Length ? next + CodePoints.LengthAt(text, next) : -1;
        }

        context.ChargeText(text.Length - from);
        return result.Append(source, from, text.Length - from).ToValue(source.IsSafe);
    }

    /// <summary>Python's <c>text.split(separator, limit)</c>: a negative limit splits everywhere; without a separator at runs of whitespace.</summary>
    public static List<TextSpan> Split(RenderContext context, string text, string? separator, int limit) =>
        separator is null ? SplitWhitespace(context, text, limit) : SplitAt(context, text, separator, limit);

    /// <summary>The same from the end of the text.</summary>
    public static List<TextSpan> SplitFromEnd(RenderContext context, string text, string? separator, int limit)
    {
        if (limit < 0)
        {
            return Split(context, text, separator, limit);
        }

        if (separator is null)
        {
            return SplitWhitespaceFromEnd(context, text, limit);
        }

        RequireSeparator(separator);
        context.ChargeSearch(text, separator);
        var parts = new List<TextSpan>();
        int end = text.Length;
        while (limit-- > 0)
        {
            int at = end >= separator.Length ? text.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal) : -1;
            if (at < 0)
            {
                break;
            }

            Add(context, parts, at + separator.Length, end);
            end = at;
        }

        Add(context, parts, 0, end);
        parts.Reverse();
        return parts;
    }

    public static void RequireSeparator(string separator)
    {
        if (separator.Length == 0)
        {
            throw new TemplateRuntimeException("the separator is empty");
        }
    }

    private static List<TextSpan> SplitAt(RenderContext context, string text, string separator, int limit)
    {
        RequireSeparator(separator);
        context.ChargeSearch(text, separator);
        var parts = new List<TextSpan>();
        int from = 0;
        int at;
        while (limit-- != 0 && (at = text.IndexOf(separator, from, StringComparison.Ordinal)) >= 0)
        {
            Add(context, parts, from, at);
            from = at + separator.Length;
        }

        Add(context, parts, from, text.Length);
        return parts;
    }

    private static List<TextSpan> SplitWhitespace(RenderContext context, string text, int limit)
    {
        var parts = new List<TextSpan>();
        int at = 0;
        while (true)
        {
            while (at < text.Length && PythonText.IsWhitespace(text[at]))
            {
                at++;
            }

            if (at == text.Length)
            {
                return parts;
            }

            int end = at;
            while (end < text.Length && !PythonText.IsWhitespace(text[end]))
            {
                end++;
            }

            if (limit-- == 0)
            {
                Add(context, parts, at, text.Length);
                return parts;
            }

            Add(context, parts, at, end);
            at = end;
        }
    }

    private static List<TextSpan> SplitWhitespaceFromEnd(RenderContext context, string text, int limit)
    {
        var parts = new List<TextSpan>();
        int end = PythonText.Stripped(text, null, false, true).End;
        while (end > 0)
        {
            int start = end;
            while (start > 0 && !PythonText.IsWhitespace(text[start - 1]))
            {
                start--;
            }

            if (limit-- == 0)
            {
                Add(context, parts, 0, end);
                break;
            }

            Add(context, parts, start, end);
            end = start;
            while (end > 0 && PythonText.IsWhitespace(text[end - 1]))
            {
                end--;
            }
        }

        parts.Reverse();
        return parts;
    }

    private static void Add(RenderContext context, List<TextSpan> parts, int from, int to)
    {
        context.ChargeText(to - from);
        context.Step();
        parts.Add(new(from, to - from));
    }
}
