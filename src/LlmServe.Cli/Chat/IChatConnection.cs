namespace LlmServe.Cli.Chat;

/// <summary>One message of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
/// <param name="Content">Its text.</param>
internal sealed record ChatTurn(string Role, string Content);

/// <summary>A piece of an answer; the last one says how it ended.</summary>
/// <param name="Text">New text, possibly empty.</param>
/// <param name="End">Set on the last piece only.</param>
internal sealed record AnswerPiece(string Text, AnswerEnd? End = null);

/// <summary>How an answer ended and what it took.</summary>
/// <param name="FinishReason"><c>stop</c>, <c>length</c>, …</param>
/// <param name="PromptTokens">Tokens read.</param>
/// <param name="CachedPromptTokens">How many of them needed no computation.</param>
/// <param name="CompletionTokens">Tokens written.</param>
/// <param name="PrefillSeconds">From the first prompt row to the first token.</param>
/// <param name="DecodeSeconds">From the first token to the last.</param>
internal sealed record AnswerEnd(
    string FinishReason, int PromptTokens, int CachedPromptTokens, int CompletionTokens, double PrefillSeconds, double DecodeSeconds);

/// <summary>A server that answers; the seam between the console's logic and gRPC.</summary>
internal interface IChatConnection : IAsyncDisposable
{
    /// <summary>Name of the model, for the greeting.</summary>
    string Model { get; }

    /// <summary>Why there can be no chat with this model; null: there can.</summary>
    string? WhyNoChat { get; }

    /// <summary>Asks for the next message of a conversation.</summary>
    /// <param name="conversation">System message if any, then user and assistant in turn; the last is the user's.</param>
    /// <param name="cancellation">Ends the answer; the enumeration throws <see cref="OperationCanceledException"/>.</param>
    IAsyncEnumerable<AnswerPiece> ChatAsync(IReadOnlyList<ChatTurn> conversation, CancellationToken cancellation);

    /// <summary>Continues a raw text, without a chat template.</summary>
    IAsyncEnumerable<AnswerPiece> GenerateAsync(string prompt, CancellationToken cancellation);
}
