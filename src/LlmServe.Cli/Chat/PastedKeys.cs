using System.Text;

namespace LlmServe.Cli.Chat;

/// <summary>
/// Tells what is pasted from what is typed. Terminals put a paste between two marks when asked to (bracketed paste, xterm's control sequences); in between, Enter is a
/// line break and not the end of a line.
/// </summary>
internal sealed class PastedKeys(Func<ConsoleKeyInfo> readKey)
{
    /// <summary>Asks the terminal for the marks.</summary>
    public const string Announce = "\e[?2004h";

    /// <summary>Asks it to leave them out.</summary>
    public const string Renounce = "\e[?2004l";

    private const string Begin = "[200~";
    private const string End = "[201~";
    private readonly Queue<ConsoleKeyInfo> _waiting = new();

    /// <summary>The next key, or what was pasted.</summary>
    public (ConsoleKeyInfo Key, string? Pasted) Read()
    {
        var key = _waiting.TryDequeue(out var waiting) ? waiting : readKey();
        if (key.Key != ConsoleKey.Escape || _waiting.Count > 0)
        {
            return (key, null);
        }

        // Escape alone means nothing at the prompt, so nobody waits for it while the next key is awaited.
        foreach (char expected in Begin)
        {
            var next = readKey();
            _waiting.Enqueue(next);
            if (next.KeyChar != expected)
            {
                return (key, null);
            }
        }

        _waiting.Clear();
        return (default, ReadPaste());
    }

    private string ReadPaste()
    {
        var text = new StringBuilder();
        while (true)
        {
            var key = readKey();
            text.Append(key.Key == ConsoleKey.Enter ? '\n' : key.KeyChar);
            if (key.KeyChar == End[^1] && text.Length > End.Length && text.ToString(text.Length - End.Length - 1, End.Length + 1) == "\e" + End)
            {
                return text.ToString(0, text.Length - End.Length - 1);
            }
        }
    }
}
