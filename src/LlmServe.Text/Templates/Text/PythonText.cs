namespace LlmServe.Text.Templates;

/// <summary>Python's notions of whitespace and of lines.</summary>
internal static class PythonText
{
    /// <summary>Python's <c>str.isspace</c> of one character: .NET's set and the four separators U+001C to U+001F.</summary>
    public static bool IsWhitespace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';

    public static string Strip(string text) => StripStart(StripEnd(text));

    public static string StripStart(string text)
    {
        int start = 0;
        while (start < text.Length && IsWhitespace(text[start]))
        {
            start++;
        }

        return text[start..];
    }

    public static string StripEnd(string text)
    {
        int end = text.Length;
        while (end > 0 && IsWhitespace(text[end - 1]))
        {
            end--;
        }

        return text[..end];
    }

    /// <summary>Drops the code points of a set from one end or both.</summary>
    public static string Strip(string text, string set, bool atStart, bool atEnd)
    {
        var points = new HashSet<int>(CodePoints.ToArray(set));
        int start = 0;
        int end = text.Length;
        while (atStart && start < end && points.Contains(CodePoints.At(text, start)))
        {
            start += CodePoints.LengthAt(text, start);
        }

        while (atEnd && end > start)
        {
            int last = end - 1 > start && CodePoints.LengthAt(text, end - 2) == 2 ? end - 2 : end - 1;
            if (!points.Contains(CodePoints.At(text, last)))
            {
                break;
            }

            end = last;
        }

        return text[start..end];
    }

    /// <summary>Python's <c>str.splitlines</c>.</summary>
    public static List<string> SplitLines(RenderContext context, string text, bool keepEnds = false)
    {
        var lines = new List<string>();
        for (int start = 0; start < text.Length;)
        {
            int end = start;
            while (end < text.Length && !IsLineEnd(text[end]))
            {
                end++;
            }

            int next = end < text.Length && text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : Math.Min(end + 1, text.Length);
            context.Step();
            lines.Add(text[start..(keepEnds ? next : end)]);
            start = next;
        }

        return lines;
    }

    private static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or '\u001C' or '\u001D' or '\u001E' or '\u0085' or '\u2028' or '\u2029';
}
