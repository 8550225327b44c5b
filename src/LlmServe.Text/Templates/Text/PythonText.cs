namespace LlmServe.Text.Templates;

/// <summary>Python's notions of whitespace and of lines.</summary>
internal static class PythonText
{
    /// <summary>Python's <c>str.isspace</c> of one character: .NET's set and the four separators U+001C to U+001F.</summary>
    public static bool IsWhitespace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';

    /// <summary>What is left of a text without white space, or without the code points of a set, at one end or both.</summary>
    /// <returns>Offsets in UTF-16 units.</returns>
    public static (int Start, int End) Stripped(string text, string? set, bool atStart, bool atEnd)
    {
        if (set is not null)
        {
            return StrippedOf(text, [.. CodePoints.ToArray(set)], atStart, atEnd);
        }

        int start = 0;
        int end = text.Length;
        while (atEnd && end > 0 && IsWhitespace(text[end - 1]))
        {
            end--;
        }

        while (atStart && start < end && IsWhitespace(text[start]))
        {
            start++;
        }

        return (start, end);
    }

    /// <summary>A text without the white space at both ends.</summary>
    public static string Strip(string text)
    {
        var (start, end) = Stripped(text, null, true, true);
        return text[start..end];
    }

    /// <summary>A text without the white space at its end.</summary>
    public static string StripEnd(string text) => text[..Stripped(text, null, false, true).End];

    private static (int Start, int End) StrippedOf(string text, HashSet<int> points, bool atStart, bool atEnd)
    {
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

        return (start, end);
    }

    /// <summary>Python's <c>str.splitlines</c>.</summary>
    public static List<TextSpan> SplitLines(RenderContext context, string text, bool keepEnds = false)
    {
        var lines = new List<TextSpan>();
        for (int start = 0; start < text.Length;)
        {
            int end = start;
            while (end < text.Length && !IsLineEnd(text[end]))
            {
                end++;
            }

            int next = end < text.Length && text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : Math.Min(end + 1, text.Length);
            context.Step();
            lines.Add(new(start, (keepEnds ? next : end) - start));
            start = next;
        }

        return lines;
    }

    private static bool IsLineEnd(char c) => c is '\n' or '\r' or '\v' or '\f' or '\u001C' or '\u001D' or '\u001E' or '\u0085' or '\u2028' or '\u2029';
}
