namespace LlmServe.Text.Templates;

/// <summary>Kinds of lexemes of a template.</summary>
internal enum LexemeKind
{
    Data, BlockBegin, BlockEnd, VariableBegin, VariableEnd, Name, String, Integer, Float, Operator, End,
}

/// <summary>One lexeme: its kind, its text (strings are unescaped), a number's value, and the line on which it starts.</summary>
internal readonly record struct Lexeme(LexemeKind Kind, string Text, int Line, Value? Number = null)
{
    /// <summary>The lexeme as an error message shows it.</summary>
    public string Describe() => Kind switch
    {
        LexemeKind.End => "the end of the template",
        LexemeKind.Data => "text",
        LexemeKind.BlockEnd => "'%}'",
        LexemeKind.VariableEnd => "'}}'",
        LexemeKind.BlockBegin => "'{%'",
        LexemeKind.VariableBegin => "'{{'",
        LexemeKind.String => $"the string '{Shorten(Text)}'",
        _ => $"'{Shorten(Text)}'",
    };

    private static string Shorten(string text) => text.Length <= 40 ? text : string.Concat(text.AsSpan(0, 40), "…");
}
