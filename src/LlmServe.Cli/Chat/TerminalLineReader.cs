using LlmServe.Cli.Terminal;
using Spectre.Console;

namespace LlmServe.Cli.Chat;

/// <summary>
/// A line editor on the terminal: cursor keys, history with up and down, the usual control keys. Ctrl-C clears a line, and on an empty one
/// ends the program; Ctrl-D on an empty line is the end of input. The prompt appears on standard error.
/// </summary>
internal sealed class TerminalLineReader : ILineReader
{
    private readonly CliConsole _console;
    private readonly Interrupts _interrupts;
    private readonly Func<ConsoleKeyInfo> _readKey;
    private readonly Func<int> _width;
    private readonly LineBuffer _buffer = new();
    private readonly Lock _lock = new();
    private string _prompt = "";
    private int _cursorRow;

    /// <summary>Reads keys of the process's terminal.</summary>
    public TerminalLineReader(CliConsole console, Interrupts interrupts)
        : this(console, interrupts, () => Console.ReadKey(intercept: true), () => Math.Max(1, console.StyledError.Profile.Width))
    {
    }

    /// <summary>Reads any keys; for tests.</summary>
    internal TerminalLineReader(CliConsole console, Interrupts interrupts, Func<ConsoleKeyInfo> readKey, Func<int> width)
    {
        _console = console;
        _interrupts = interrupts;
        _readKey = readKey;
        _width = width;
    }

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
        return await Task.Run(() => Edit(prompt), CancellationToken.None).WaitAsync(cancellation);
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
            var key = _readKey();
            lock (_lock)
            {
                if (key.Key == ConsoleKey.Enter || key.KeyChar is '\n' or '\r')
                {
                    LeaveLine();
                    return _buffer.Accept();
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
        int endCells = promptCells + _buffer.Text.GetCellWidth();
        int cursorCells = promptCells + _buffer.Text[.._buffer.Cursor].GetCellWidth();
        string wrap = endCells > 0 && endCells % width == 0 ? "\r\n" : "";
        int rowsDown = endCells / width - cursorCells / width;
        int column = cursorCells % width;
        _console.Error.Write(string.Concat(
            ToLineStart(_cursorRow), "\e[J\e[1;32m", _prompt, "\e[0m", _buffer.Text, wrap,
            ToLineStart(rowsDown) + (column > 0 ? $"\e[{column}C" : "")));
        _cursorRow = cursorCells / width;
    }

    private void LeaveLine()
    {
        int below = (_prompt.GetCellWidth() + _buffer.Text.GetCellWidth()) / _width() - _cursorRow;
        _console.Error.Write((below > 0 ? $"\e[{below}B" : "") + "\r\n");
        _cursorRow = 0;
    }

    private static string ToLineStart(int rowsUp) => rowsUp > 0 ? $"\r\e[{rowsUp}A" : "\r";
}
