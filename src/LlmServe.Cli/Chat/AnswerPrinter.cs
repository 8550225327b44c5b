using System.Globalization;
using System.Text;
using Grpc.Core;
using LlmServe.Cli.Terminal;

namespace LlmServe.Cli.Chat;

/// <summary>An answer as far as it came.</summary>
/// <param name="Text">The text that was shown.</param>
/// <param name="End">How it ended; null when it was stopped.</param>
internal sealed record Answer(string Text, AnswerEnd? End)
{
    /// <summary>Whether Ctrl-C cut it short.</summary>
    public bool WasStopped => End is null;
}

/// <summary>Shows an answer on standard output while it is made. Ctrl-C meanwhile stops the answer and nothing else.</summary>
internal sealed class AnswerPrinter(CliConsole console, Interrupts interrupts)
{
    /// <summary>Prints pieces until the stream ends or Ctrl-C.</summary>
    /// <param name="ask">Starts the stream; its token is cancelled by Ctrl-C and when the program is to end.</param>
    /// <exception cref="OperationCanceledException">The whole program is to end.</exception>
    public async Task<Answer> PrintAsync(Func<CancellationToken, IAsyncEnumerable<AnswerPiece>> ask)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(interrupts.Token);
        var text = new StringBuilder();
        AnswerEnd? end = null;
        try
        {
            // Given back before the line is finished: a Ctrl-C after that belongs to the prompt.
            using var capture = interrupts.Capture(stop.Cancel);
            await foreach (var piece in ask(stop.Token).WithCancellation(stop.Token))
            {
                Show(piece.Text, text);
                end = piece.End ?? end;
            }
        }
        catch (Exception error) when (stop.IsCancellationRequested && error is OperationCanceledException or RpcException { StatusCode: StatusCode.Cancelled })
        {
            end = null;
        }
        finally
        {
            FinishLine(text);
        }

        interrupts.Token.ThrowIfCancellationRequested();
        return new Answer(text.ToString(), end);
    }

    /// <summary>One line of figures about an answer.</summary>
    public static string Figures(AnswerEnd end)
    {
        var line = new StringBuilder();
        line.Append(CultureInfo.InvariantCulture, $"{end.CompletionTokens} tokens");
        if (end.CompletionTokens > 1 && end.DecodeSeconds > 0)
        {
            line.Append(CultureInfo.InvariantCulture, $", {(end.CompletionTokens - 1) / end.DecodeSeconds:0.0} tokens/s");
        }

        line.Append(CultureInfo.InvariantCulture, $" · prompt {end.PromptTokens} tokens");
        if (end.CachedPromptTokens > 0)
        {
            line.Append(CultureInfo.InvariantCulture, $" ({end.CachedPromptTokens} cached)");
        }

        line.Append(CultureInfo.InvariantCulture, $" in {end.PrefillSeconds:0.00} s");
        if (end.FinishReason != "stop")
        {
            line.Append(CultureInfo.InvariantCulture, $" · ended by {end.FinishReason}");
        }

        return line.ToString();
    }

    private void Show(string piece, StringBuilder text)
    {
        if (piece.Length == 0)
        {
            return;
        }

        text.Append(piece);
        console.Out.Write(console.OutIsTerminal ? TerminalText.Harmless(piece) : piece);
        console.Out.Flush();
    }

    private void FinishLine(StringBuilder text)
    {
        if (text.Length > 0 && text[^1] != '\n')
        {
            console.Out.Write('\n');
        }

        console.TryFlushOut();
    }
}
