namespace LlmServe.Cli.LoadTest;

/// <summary>How a client treats its stream.</summary>
internal enum ReaderKind
{
    /// <summary>Reads to the end.</summary>
    Steady,

    /// <summary>Cancels the call in the middle.</summary>
    Cancels,

    /// <summary>Pauses in the middle, with large messages on their way to it.</summary>
    Slow,

    /// <summary>Closes its connection in the middle.</summary>
    Disconnects,
}

/// <summary>One request of a load test; the same number and seed give the same request again.</summary>
/// <param name="Number">From 0.</param>
/// <param name="Prompt">Token ids.</param>
/// <param name="OutputTokens">Tokens to generate, exactly.</param>
/// <param name="Reader">How its client behaves.</param>
/// <param name="TurnAfter">Tokens after which the client cancels, pauses or closes; 0: before the first token.</param>
/// <param name="Pause">How long it pauses, or how long after sending it cancels or closes if that comes before the first token.</param>
internal sealed record LoadRequest(long Number, int[] Prompt, int OutputTokens, ReaderKind Reader, int TurnAfter, TimeSpan Pause);
