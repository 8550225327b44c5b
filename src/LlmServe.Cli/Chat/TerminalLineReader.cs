using LlmServe.Cli.Terminal;
using Spectre.Console;

namespace LlmServe.Cli.Chat;

/// <summary>
/// A line editor on the terminal: cursor keys, history with up and down, the usual control keys. Ctrl-C clears a line, and on an empty one
/// ends the program; Ctrl-D on an empty line is the end of input. A paste stays one line, in which line breaks are shown as ⏎. The prompt appears on standard error.
/// </summary>
internal sealed class TerminalLineReader : ILineReader
{
    private readonly CliConsole _console;
    private readonly Interrupts _interrupts;
    private readonly PastedKeys _keys;
    private readonly Func<int> _width;
    private readonly ChatHistory _history;
    private readonly LineBuffer _buffer;
    private readonly Lock _lock = new();
    private string _prompt = "";
    private int _cursorRow;

    /// <summary>Reads keys of the process's terminal.</summary>
    public TerminalLineReader(CliConsole console, Interrupts interrupts, ChatHistory history)
        : this(console, interrupts, history, () => Console.ReadKey(intercept: true), () => Math.Max(1, console.StyledError.Profile.Width))
    {
    }

    /// <summary>Reads any keys; for tests.</summary>
    internal TerminalLineReader(CliConsole console, Interrupts interrupts, ChatHistory history, Func<ConsoleKeyInfo> readKey, Func<int> width)
    {
        _history = history;
        _buffer = new LineBuffer(history.Load());
        _console = console;
        _interrupts = interrupts;
        _keys = new PastedKeys(readKey);
        _width = width;
    }

    /// <summary>The text with line breaks as a character of their own, one for one, so that it stays one line on the screen too.</summary>
    private string Shown => _buffer.Text.Replace('\n', '⏎').Replace('\t', ' ');

    /// <inheritdoc/>
    public async Task<string?> ReadLineAsync(string prompt, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (!_console.ErrorHasColour)
        {
            _console.Error.Write(prompt);
            return await Task.Run(_console.In.ReadLine, CancellationToken.None).WaitAsync(cancellation);
        }

        using var capture = _interrupts.Capture(OnInterrupt);
        _console.Error.Write(PastedKeys.Announce);
        try
        {
            return await Task.Run(() => Edit(prompt), CancellationToken.None).WaitAsync(cancellation);
        }
        finally
        {
            _console.Error.Write(PastedKeys.Renounce);
        }
    }

    private string? Edit(string prompt)
    {
        lock (_lock)
        {
            _prompt = prompt;
            _buffer.Clear();
            _cursorRow = 0;
            Render();
        }

        while (true)
        {
            var (key, pasted) = _keys.Read();
            lock (_lock)
            {
                if (pasted is not null)
                {
                    _buffer.Paste(pasted);
                    Render();
                    continue;
                }

                if (key.Key == ConsoleKey.Enter || key.KeyChar is '\n' or '\r')
                {
                    LeaveLine();
                    return Accept();
                }

                if (key.Key == ConsoleKey.D && key.Modifiers.HasFlag(ConsoleModifiers.Control) && _buffer.Text.Length == 0)
                {
                    LeaveLine();
                    return null;
                }

                if (_buffer.Apply(key))
                {
                    Render();
                }
            }
        }
    }

    private string Accept()
    {
        string line = _buffer.Accept();
        if (line.Length > 0)
        {
            _history.Add(line);
        }

        return line;
    }

    private void OnInterrupt()
    {
        lock (_lock)
        {
            LeaveLine();
            if (_buffer.Text.Length == 0)
            {
                _interrupts.RaiseTermination();
                return;
            }

            _buffer.Clear();
            Render();
        }
    }

    /// <summary>Draws prompt and text over what was drawn before, and puts the cursor where it belongs, wrapped lines included.</summary>
    private void Render()
    {
        int width = _width();
        int promptCells = _prompt.GetCellWidth();
        int endCells = promptCells + Shown.GetCellWidth();
        int cursorCells = promptCells + Shown[.._buffer.Cursor].GetCellWidth();
        string wrap = endCells > 0 && endCells % width == 0 ? "\r\n" : "";
        int rowsDown = endCells / width - cursorCells / width;
        int column = cursorCells % width;
        _console.Error.Write(string.Concat(
            ToLineStart(_cursorRow), "\e[J\e[1;32m", _prompt, "\e[0m", Shown, wrap,
            ToLineStart(rowsDown) + (column > 0 ? $"\e[{column}C" : "")));
        _cursorRow = cursorCells / width;
    }

    private void LeaveLine()
    {
        int below = (_prompt.GetCellWidth() + Shown.GetCellWidth()) / _width() - _cursorRow;
        _console.Error.Write((below > 0 ? $"\e[{below}B" : "") + "\r\n");
        _cursorRow = 0;
    }

    private static string ToLineStart(int rowsUp) => rowsUp > 0 ? $"\r\e[{rowsUp}A" : "\r";
}
