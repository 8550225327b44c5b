using System.Net;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>Filters about safe HTML.</summary>
internal static class MarkupFilters
{
    public static readonly BuiltIn[] All =
    [
        new("safe", [], 0, static (context, self, _) => PythonFormat.Str(context, self).With(isSafe: true)),
        new("escape", [], 0, Escape),
        new("e", [], 0, Escape),
        new("forceescape", [], 0, static (context, self, _) => Html.Escape(context, PythonFormat.Str(context, self).With(isSafe: false))),
        new("striptags", [], 0, StripTags),
    ];

    private static Value Escape(RenderContext context, Value self, Value?[] arguments) =>
        Html.Escape(context, PythonFormat.Str(context, self));

    /// <summary>Drops comments and tags, joins the words by single spaces, and resolves entities.</summary>
    private static Value StripTags(RenderContext context, Value self, Value?[] arguments)
    {
        var source = PythonFormat.Str(context, self);
        string text = source.Text;
        context.ChargeText(text.Length * 2L);
        text = Without(Without(text, "<!--", "-->"), "<", ">");
        var words = StringSearch.Split(context, text, null, -1).Select(word => text[word.Start..word.End]);
        return new StringValue(WebUtility.HtmlDecode(string.Join(' ', words)), Origin.Mixed(source.Origin));
    }

    private static string Without(string text, string open, string close)
    {
        var result = new StringBuilder(text.Length);
        int from = 0;
        while (true)
        {
            int start = text.IndexOf(open, from, StringComparison.Ordinal);
            int end = start < 0 ? -1 : text.IndexOf(close, start + open.Length, StringComparison.Ordinal);
            if (end < 0)
            {
                return result.Append(text, from, text.Length - from).ToString();
            }

            result.Append(text, from, start - from);
            from = end + close.Length;
        }
    }
}
