using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Strings as sequences of code points; an unpaired surrogate counts as one.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            return text.Length;
        }

        int count = 0;
        for (int i = 0; i < text.Length; i += LengthAt(text, i))
        {
            count++;
        }

        return count;
    }

    /// <summary>UTF-16 units of the code point at an offset.</summary>
    public static int LengthAt(string text, int offset) =>
        char.IsHighSurrogate(text[offset]) && offset + 1 < text.Length && char.IsLowSurrogate(text[offset + 1]) ? 2 : 1;

    /// <summary>The code point at an offset.</summary>
    public static int At(string text, int offset) =>
        LengthAt(text, offset) == 2 ? char.ConvertToUtf32(text[offset], text[offset + 1]) : text[offset];

    /// <summary>Offset in UTF-16 units of a code point's index.</summary>
    public static int OffsetOf(string text, int index)
    {
        int offset = 0;
        for (; index > 0; index--)
        {
            offset += LengthAt(text, offset);
        }

        return offset;
    }

    public static int[] ToArray(string text)
    {
        var points = new int[Count(text)];
        int offset = 0;
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = At(text, offset);
            offset += LengthAt(text, offset);
        }

        return points;
    }

    public static string ToText(ReadOnlySpan<int> points)
    {
        var text = new StringBuilder(points.Length);
        foreach (int point in points)
        {
            Append(text, point);
        }

        return text.ToString();
    }

    public static void Append(StringBuilder text, int point)
    {
        if (point < 0x10000)
        {
            text.Append((char)point);
        }
        else
        {
            text.Append(char.ConvertFromUtf32(point));
        }
    }

    /// <summary>Order by code point, in which the characters beyond U+FFFF come last; UTF-16 order would put them before U+E000.</summary>
    public static int Compare(string a, string b)
    {
        int common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
        {
            return a.Length.CompareTo(b.Length);
        }

        bool isPairA = char.IsSurrogate(a[common]);
        bool isPairB = char.IsSurrogate(b[common]);
        return isPairA == isPairB ? a[common].CompareTo(b[common]) : isPairA ? 1 : -1;
    }
}
