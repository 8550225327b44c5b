namespace LlmServe.Text.Templates;

/// <summary>A position in a template's source that keeps count of lines.</summary>
internal sealed class SourceCursor(string source)
{
    public string Source { get; } = source;

    public int Position { get; private set; }

    public int Line { get; private set; } = 1;

    public bool AtEnd => Position >= Source.Length;

    /// <summary>The character at an offset from here, or NUL past the end.</summary>
    public char Peek(int offset = 0) => Position + offset < Source.Length ? Source[Position + offset] : '\0';

    public bool StartsWith(string text) => string.CompareOrdinal(Source, Position, text, 0, text.Length) == 0;

    public void MoveTo(int position)
    {
        Line += Source.AsSpan(Position, position - Position).Count('\n');
        Position = position;
    }

    public void Advance(int count) => MoveTo(Position + count);

    /// <summary>The first position at or after <paramref name="position"/> that holds no whitespace.</summary>
    public int AfterWhitespace(int position)
    {
        while (position < Source.Length && PythonText.IsWhitespace(Source[position]))
        {
            position++;
        }

        return position;
    }

    public TemplateSyntaxException Fail(string message) => new(message, Line);
}
