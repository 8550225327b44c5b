namespace LlmServe.Constraints.Grammars;

/// <summary>A place in the text of a grammar, moving forward.</summary>
/// <param name="text">The text.</param>
internal sealed class TextCursor(string text)
{
    /// <summary>Index of the next character.</summary>
    public int At { get; set; }

    /// <summary>Whether there is none.</summary>
    public bool IsAtEnd => At >= text.Length;

    /// <summary>The text.</summary>
    public string Text => text;

    /// <summary>The next character, or one further on; NUL beyond the end.</summary>
    public char Peek(int ahead = 0) => At + ahead < text.Length ? text[At + ahead] : '\0';

    /// <summary>Whether the text goes on like this.</summary>
    public bool StartsWith(string wanted) => text.AsSpan(At).StartsWith(wanted, StringComparison.Ordinal);

    /// <summary>Passes over a text if it comes next.</summary>
    public bool TrySkip(string wanted)
    {
        bool found = StartsWith(wanted);
        At += found ? wanted.Length : 0;
        return found;
    }

    /// <summary>Takes characters as long as they are of a kind.</summary>
    public string TakeWhile(Func<char, bool> isWanted)
    {
        int start = At;
        while (!IsAtEnd && isWanted(Peek()))
        {
            At++;
        }

        return text[start..At];
    }

    /// <summary>An error at a place.</summary>
    public ConstraintException Refuse(int at, string message)
    {
        int line = 1 + text.AsSpan(0, Math.Min(at, text.Length)).Count('\n');
        int column = at - (at == 0 ? -1 : text.LastIndexOf('\n', Math.Min(at, text.Length) - 1));
        return new ConstraintException($"line {line}, column {column}", message);
    }

    /// <summary>An error at the next character.</summary>
    public ConstraintException Refuse(string message) => Refuse(At, message);

    /// <summary>Reads one code point as it stands.</summary>
    public int ReadCodePoint()
    {
        char c = text[At++];
        if (!char.IsSurrogate(c))
        {
            return c;
        }

        return char.IsHighSurrogate(c) && char.IsLowSurrogate(Peek()) ? char.ConvertToUtf32(c, text[At++]) : throw Refuse(At - 1, "half of a surrogate pair");
    }

    /// <summary>The next character for a message.</summary>
    public string Found => IsAtEnd ? "the end" : $"'{(char.IsControl(Peek()) ? $"\\u{(int)Peek():x4}" : Peek().ToString())}'";
}
