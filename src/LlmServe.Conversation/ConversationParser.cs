using LlmServe.Conversation.Parsing;
using LlmServe.Text;

namespace LlmServe.Conversation;

/// <summary>
/// Turns the tokens of one answer into events. Each token is read by itself, so that the events are the same however the tokens come together. Not thread-safe.
/// </summary>
public sealed class ConversationParser
{
    private readonly AnswerParser _parser;

    internal ConversationParser(ITokenizer tokenizer, Markers markers, AnswerParserOptions options) => _parser = new AnswerParser(tokenizer, markers, options);

    /// <summary>Whether a stop text was written: nothing more will come, and the generation should be ended with reason <see cref="ConversationEnd.Stop"/>.</summary>
    public bool IsStopped => StopText is not null;

    /// <summary>The stop text that was written; null: none.</summary>
    public string? StopText => _parser.StopText;

    /// <summary>Tokens read so far; where a stop text was written, those up to its end.</summary>
    public int Tokens => _parser.Tokens;

    /// <summary>Tokens of reasoning so far, its marks included.</summary>
    public int ReasoningTokens => _parser.ReasoningTokens;

    /// <summary>Takes tokens and gives the events that are certain now. The list is valid until the next call.</summary>
    public IReadOnlyList<ConversationEvent> Append(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        return _parser.Append(tokens);
    }

    /// <summary>Ends the answer and gives the events that were held back.</summary>
    /// <param name="isCut">Whether the answer was cut, and not ended by the model.</param>
    /// <param name="end">Why it ended.</param>
    public IReadOnlyList<ConversationEvent> Finish(bool isCut, out ConversationEnd end)
    {
        var events = _parser.Finish();
        end = isCut && !IsStopped ? ConversationEnd.Length : _parser.Calls > 0 ? ConversationEnd.ToolCalls : ConversationEnd.Stop;
        return events;
    }
}
