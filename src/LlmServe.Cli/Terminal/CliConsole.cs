using System.Text;
using Spectre.Console;

namespace LlmServe.Cli.Terminal;

/// <summary>
/// The three standard streams and what is known of them. Standard output carries results only (a model's text, ids, tables);
/// prompts, progress, statistics and errors go to standard error, so a pipe never has to be cleaned.
/// </summary>
internal sealed class CliConsole
{
    private const int PlainWidth = 1 << 16;
    private readonly Lazy<IAnsiConsole> _styledOut;
    private readonly Lazy<IAnsiConsole> _styledError;

    /// <param name="output">Standard output; flushed explicitly, so that bulk output is fast.</param>
    /// <param name="error">Standard error.</param>
    /// <param name="input">Standard input.</param>
    public CliConsole(TextWriter output, TextWriter error, TextReader input)
    {
        Out = output;
        Error = error;
        In = input;
        _styledOut = new(() => CreateStyled(Out, OutHasColour, OutIsTerminal));
        _styledError = new(() => CreateStyled(Error, ErrorHasColour, ErrorIsTerminal));
    }

    /// <summary>Results. Call <see cref="TextWriter.Flush"/> when a reader should see them.</summary>
    public TextWriter Out { get; }

    /// <summary>Everything else.</summary>
    public TextWriter Error { get; }

    /// <summary>Standard input.</summary>
    public TextReader In { get; }

    /// <summary>What was done to standard input where it was no UTF-8; null: nothing is known.</summary>
    public RepairedInput? Repairs { get; init; }

    /// <summary>Whether a person reads standard output.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>Whether a person reads standard error.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Whether a person types on standard input.</summary>
    public bool InIsTerminal { get; init; }

    /// <summary>Whether escape codes may be written at all (not with <c>NO_COLOR</c> or on a dumb terminal).</summary>
    public bool AllowEscapes { get; init; }

    /// <summary>Whether a conversation with a person is possible: they type, and they see prompts.</summary>
    public bool IsInteractive => InIsTerminal && ErrorIsTerminal;

    /// <summary>Whether standard output takes escape codes.</summary>
    public bool OutHasColour => OutIsTerminal && AllowEscapes;

    /// <summary>Whether standard error takes escape codes.</summary>
    public bool ErrorHasColour => ErrorIsTerminal && AllowEscapes;

    /// <summary>Standard output with styles, which turn into plain text where it is no terminal.</summary>
    public IAnsiConsole StyledOut => _styledOut.Value;

    /// <summary>Standard error with styles, which turn into plain text where it is no terminal.</summary>
    public IAnsiConsole StyledError => _styledError.Value;

    /// <summary>The process's own console, in UTF-8.</summary>
    public static CliConsole OpenSystem()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        bool hasIn = !StandardDescriptor.IsClosed(StandardDescriptor.In);
        bool hasOut = !StandardDescriptor.IsClosed(StandardDescriptor.Out);
        bool hasError = !StandardDescriptor.IsClosed(StandardDescriptor.Error);
        var output = new StreamWriter(hasOut ? StandardOutputStream.Open() : Stream.Null, utf8, bufferSize: 1 << 14) { AutoFlush = false };
        var repairs = new RepairedInput();
        var error = new StreamWriter(hasError ? Console.OpenStandardError() : Stream.Null, utf8) { AutoFlush = true };
        return new CliConsole(output, error, hasIn ? OpenInput(repairs) : TextReader.Null)
        {
            Repairs = repairs,
            OutIsTerminal = hasOut && !Console.IsOutputRedirected,
            ErrorIsTerminal = hasError && !Console.IsErrorRedirected,
            InIsTerminal = hasIn && !Console.IsInputRedirected,
            AllowEscapes = EscapesAllowedBy(Environment.GetEnvironmentVariable),
        };
    }

    /// <summary>Whether the environment permits escape codes: <c>NO_COLOR</c> (no-color.org) is empty and <c>TERM</c> is not <c>dumb</c>.</summary>
    /// <param name="variable">Reads an environment variable.</param>
    public static bool EscapesAllowedBy(Func<string, string?> variable) =>
        string.IsNullOrEmpty(variable("NO_COLOR")) && !string.Equals(variable("TERM"), "dumb", StringComparison.Ordinal);

    /// <summary>Writes the line that every failure ends with.</summary>
    public void WriteError(string message)
    {
        TryFlushOut();
        if (ErrorHasColour)
        {
            StyledError.Write("llmserve: error: ", new Style(Color.Red, decoration: Decoration.Bold));
            Error.WriteLine(message);
        }
        else
        {
            Error.WriteLine($"llmserve: error: {message}");
        }
    }

    /// <summary>Writes a remark to standard error, dim where that is possible.</summary>
    public void WriteNote(string message)
    {
        if (ErrorHasColour)
        {
            StyledError.Write(message, new Style(decoration: Decoration.Dim));
            Error.WriteLine();
        }
        else
        {
            Error.WriteLine(message);
        }
    }

    /// <summary>Flushes results; a closed pipe is not an error any more when the program ends anyway.</summary>
    public void TryFlushOut()
    {
        try
        {
            Out.Flush();
        }
        catch (OutputClosedException)
        {
            // The reader has what it wanted.
            return;
        }
    }

    /// <summary>What is piped in is UTF-8 as it stands: a text that begins with a byte order mark, or with bytes that look like UTF-16's, is that text.</summary>
    private static TextReader OpenInput(RepairedInput repairs)
    {
        if (!Console.IsInputRedirected)
        {
            return Console.In;
        }

        // An encoding with a mark of its own would skip that mark.
        var encoding = (Encoding)new UTF8Encoding(encoderShouldEmitUTF8Identifier: false).Clone();
        encoding.DecoderFallback = repairs;
        return new StreamReader(Console.OpenStandardInput(), encoding, detectEncodingFromByteOrderMarks: false);
    }

    private static IAnsiConsole CreateStyled(TextWriter writer, bool colour, bool terminal)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = colour ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = colour ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = terminal ? InteractionSupport.Yes : InteractionSupport.No,
            Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false },
        });
        if (!terminal)
        {
            console.Profile.Width = PlainWidth;
        }

        return console;
    }
}
