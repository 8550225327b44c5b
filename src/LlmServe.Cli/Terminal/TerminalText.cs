namespace LlmServe.Cli.Terminal;

/// <summary>Text from a model or a file on its way to a terminal.</summary>
internal static class TerminalText
{
    /// <summary>Replaces control characters other than line feed and tab: a model must not be able to drive the terminal by escape codes.</summary>
    public static string Harmless(string text)
    {
        if (!HasControls(text))
        {
            return text;
        }

        return string.Create(text.Length, text, static (span, source) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                char c = source[i];
                span[i] = char.IsControl(c) && c is not ('\n' or '\t') ? '\uFFFD' : c;
            }
        });
    }

    /// <summary>Spells control characters as escapes, so that the text stays on its line.</summary>
    public static string OneLine(string text) => !HasControls(text)
        ? text
        : string.Concat(text.Select(c => c switch
        {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString(),
        }));

    /// <summary>The beginning of a text, with … where something is left out.</summary>
    public static string Shorten(string text, int most) => text.Length <= most ? text : string.Concat(text.AsSpan(0, most - 1), "…");

    private static bool HasControls(string text) =>
        text.AsSpan().ContainsAnyInRange('\0', '\x1f') || text.AsSpan().ContainsAnyInRange('\x7f', '\x9f');
}
