using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Python's <c>replace</c>, <c>split</c> and their like, with their work and results accounted for.</summary>
internal static class StringSearch
{
    /// <summary>Python's <c>text.replace(old, new, count)</c>; a negative count replaces all.</summary>
    public static string Replace(RenderContext context, string text, string old, string with, int count)
    {
        context.ChargeSearch(text, old);
        if (count == 0 || (old.Length > 0 && !text.Contains(old, StringComparison.Ordinal)))
        {
            return text;
        }

        var result = new StringBuilder();
        int from = 0;
        int next = old.Length == 0 ? 0 : text.IndexOf(old, StringComparison.Ordinal);
        while (next >= 0 && count != 0)
        {
            context.ChargeText((long)(next - from) + with.Length);
            result.Append(text, from, next - from).Append(with);
            from = next + old.Length;
            count--;
            next = old.Length > 0 ? text.IndexOf(old, from, StringComparison.Ordinal)
                : next < text.Length ? next + CodePoints.LengthAt(text, next) : -1;
        }

        context.ChargeText(text.Length - from);
        return result.Append(text, from, text.Length - from).ToString();
    }

    /// <summary>Python's <c>text.split(separator, limit)</c>: a negative limit splits everywhere; without a separator at runs of whitespace.</summary>
    public static List<string> Split(RenderContext context, string text, string? separator, int limit)
    {
        return separator is null ? SplitWhitespace(context, text, limit) : SplitAt(context, text, separator, limit);
    }

    /// <summary>The same from the end of the text.</summary>
    public static List<string> SplitFromEnd(RenderContext context, string text, string? separator, int limit)
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
        var parts = new List<string>();
        int end = text.Length;
        while (limit-- > 0)
        {
            int at = end >= separator.Length ? text.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal) : -1;
            if (at < 0)
            {
                break;
            }

            Add(context, parts, text, at + separator.Length, end);
            end = at;
        }

        Add(context, parts, text, 0, end);
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

    private static List<string> SplitAt(RenderContext context, string text, string separator, int limit)
    {
        RequireSeparator(separator);
        context.ChargeSearch(text, separator);
        var parts = new List<string>();
        int from = 0;
        int at;
        while (limit-- != 0 && (at = text.IndexOf(separator, from, StringComparison.Ordinal)) >= 0)
        {
            Add(context, parts, text, from, at);
            from = at + separator.Length;
        }

        Add(context, parts, text, from, text.Length);
        return parts;
    }

    private static List<string> SplitWhitespace(RenderContext context, string text, int limit)
    {
        var parts = new List<string>();
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
                Add(context, parts, text, at, text.Length);
                return parts;
            }

            Add(context, parts, text, at, end);
            at = end;
        }
    }

    private static List<string> SplitWhitespaceFromEnd(RenderContext context, string text, int limit)
    {
        var parts = new List<string>();
        int end = PythonText.StripEnd(text).Length;
        while (end > 0)
        {
            int start = end;
            while (start > 0 && !PythonText.IsWhitespace(text[start - 1]))
            {
                start--;
            }

            if (limit-- == 0)
            {
                Add(context, parts, text, 0, end);
                break;
            }

            Add(context, parts, text, start, end);
            end = start;
            while (end > 0 && PythonText.IsWhitespace(text[end - 1]))
            {
                end--;
            }
        }

        parts.Reverse();
        return parts;
    }

    private static void Add(RenderContext context, List<string> parts, string text, int from, int to)
    {
        context.ChargeText(to - from);
        context.Step();
        parts.Add(text[from..to]);
    }
}
