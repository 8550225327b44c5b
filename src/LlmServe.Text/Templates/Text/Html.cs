using System.Buffers;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Escapes of HTML, as text that joins a safe string gets them.</summary>
internal static class Html
{
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>\"'");

    /// <summary>The text of a safe string as it is, and that of any other string with its special characters escaped.</summary>
    public static string Escape(RenderContext context, StringValue value) => value.IsSafe ? value.Text : Escape(context, value.Text);

    public static string Escape(RenderContext context, string text)
    {
        if (!text.AsSpan().ContainsAny(Special))
        {
            return text;
        }

        context.ChargeText(text.Length * 5L);
        var result = new StringBuilder(text.Length + 16);
        foreach (char c in text)
        {
            switch (c)
            {
                case '&':
                    result.Append("&amp;");
                    break;
                case '<':
                    result.Append("&lt;");
                    break;
                case '>':
                    result.Append("&gt;");
                    break;
                case '"':
                    result.Append("&#34;");
                    break;
                case '\'':
                    result.Append("&#39;");
                    break;
                default:
                    result.Append(c);
                    break;
            }
        }

        return result.ToString();
    }
}
