using System.Buffers;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Escapes of HTML, as text that joins a safe string gets them.</summary>
internal static class Html
{
    private static readonly SearchValues<char> Special = SearchValues.Create("&<>\"'");

    /// <summary>A safe string as it is, and any other with its special characters escaped, which makes it safe.</summary>
    public static StringValue Escape(RenderContext context, StringValue value) => value.IsSafe || !value.Text.AsSpan().ContainsAny(Special)
        ? value.With(isSafe: true)
        : new TextBuilder(value.Text.Length + 16).AppendMapped(value, text => Escape(context, text)).ToValue(isSafe: true);

    private static string Escape(RenderContext context, string text)
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
