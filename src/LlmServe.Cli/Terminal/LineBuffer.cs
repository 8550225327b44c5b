namespace LlmServe.Cli.Terminal;

/// <summary>A line being typed: its text, the cursor in it, and the lines typed before. Knows nothing of screens. What is pasted may bring line breaks.</summary>
/// <param name="history">Lines of earlier sessions, oldest first.</param>
internal sealed class LineBuffer(IEnumerable<string> history)
{
    private readonly List<string> _history = [.. history];
    private int _historyAt = history.Count();
    private string _draft = "";

    /// <summary>Begins without lines of earlier sessions.</summary>
    public LineBuffer() : this([])
    {
    }

    /// <summary>The line as it stands.</summary>
    public string Text { get; private set; } = "";

    /// <summary>Index of the character that the cursor is before.</summary>
    public int Cursor { get; private set; }

    /// <summary>Starts a new line.</summary>
    public void Clear()
    {
        Set("");
        _historyAt = _history.Count;
    }

    /// <summary>Ends the line, which becomes the latest of the history.</summary>
    public string Accept()
    {
        string line = Text;
        if (line.Length > 0 && (_history.Count == 0 || _history[^1] != line))
        {
            _history.Add(line);
        }

        Clear();
        return line;
    }

    /// <summary>Applies a key.</summary>
    /// <returns>Whether the key changed anything.</returns>
    public bool Apply(ConsoleKeyInfo key) => key.Modifiers.HasFlag(ConsoleModifiers.Control) ? ApplyControl(key.Key) : key.Key switch
    {
        ConsoleKey.LeftArrow => Move(Before(Cursor)),
        ConsoleKey.RightArrow => Move(After(Cursor)),
        ConsoleKey.Home => Move(0),
        ConsoleKey.End => Move(Text.Length),
        ConsoleKey.Backspace => Remove(Before(Cursor), Cursor),
        ConsoleKey.Delete => Remove(Cursor, After(Cursor)),
        ConsoleKey.UpArrow => Recall(_historyAt - 1),
        ConsoleKey.DownArrow => Recall(_historyAt + 1),
        _ => Insert(key.KeyChar),
    };

    /// <summary>Inserts text that was pasted. Line breaks and tabs stay, other control characters are left out.</summary>
    public void Paste(string text)
    {
        string clean = string.Concat(text.ReplaceLineEndings("\n").Where(c => c is '\n' or '\t' || !char.IsControl(c)));
        Text = Text.Insert(Cursor, clean);
        Cursor += clean.Length;
    }

    private bool ApplyControl(ConsoleKey key) => key switch
    {
        ConsoleKey.A => Move(0),
        ConsoleKey.E => Move(Text.Length),
        ConsoleKey.B => Move(Before(Cursor)),
        ConsoleKey.F => Move(After(Cursor)),
        ConsoleKey.U => Remove(0, Cursor),
        ConsoleKey.K => Remove(Cursor, Text.Length),
        ConsoleKey.W => Remove(WordStart(), Cursor),
        ConsoleKey.H => Remove(Before(Cursor), Cursor),
        ConsoleKey.D => Remove(Cursor, After(Cursor)),
        ConsoleKey.P => Recall(_historyAt - 1),
        ConsoleKey.N => Recall(_historyAt + 1),
        _ => false,
    };

    private bool Insert(char c)
    {
        char shown = c == '\t' ? ' ' : c;
        if (char.IsControl(shown))
        {
            return false;
        }

        Text = Text.Insert(Cursor, shown.ToString());
        Cursor++;
        return true;
    }

    private bool Move(int to)
    {
        Cursor = to;
        return true;
    }

    private bool Remove(int from, int to)
    {
        Text = Text.Remove(from, to - from);
        Cursor = from;
        return true;
    }

    private bool Recall(int index)
    {
        if (index < 0 || index > _history.Count)
        {
            return false;
        }

        if (_historyAt == _history.Count)
        {
            _draft = Text;
        }

        _historyAt = index;
        Set(index == _history.Count ? _draft : _history[index]);
        return true;
    }

    private void Set(string text)
    {
        Text = text;
        Cursor = text.Length;
    }

    // A character outside the basic plane is two chars; the cursor never stands between them.
    private int Before(int at) => at == 0 ? 0 : at > 1 && char.IsLowSurrogate(Text[at - 1]) && char.IsHighSurrogate(Text[at - 2]) ? at - 2 : at - 1;

    private int After(int at) =>
        at >= Text.Length ? at : at + 1 < Text.Length && char.IsHighSurrogate(Text[at]) && char.IsLowSurrogate(Text[at + 1]) ? at + 2 : at + 1;

    private int WordStart()
    {
        int at = Cursor;
        while (at > 0 && char.IsWhiteSpace(Text[at - 1]))
        {
            at--;
        }

        while (at > 0 && !char.IsWhiteSpace(Text[at - 1]))
        {
            at--;
        }

        return at;
    }
}
