using LlmServe.Text;

namespace LlmServe.Conversation.Parsing;

/// <summary>
/// Turns the tokens of one answer into events: reasoning, text and calls of tools. Each token is read by itself, so that the events are the same however tokens
/// come together. Not thread-safe.
/// </summary>
internal sealed class AnswerParser
{
    private readonly AnswerSource _source = new();
    private readonly AnswerWriter _writer;
    private readonly Markers _markers;
    private readonly Detokenizer? _detokenizer;
    private readonly AnswerReader _reader;
    private readonly Reading _reading;
    private readonly List<ConversationEvent> _events = [];

    /// <param name="tokenizer">The model's tokenizer; null for answers that are given as text.</param>
    /// <param name="markers">How the vocabulary writes marks.</param>
    /// <param name="options">What to look for.</param>
    public AnswerParser(ITokenizer? tokenizer, Markers markers, AnswerParserOptions options)
    {
        _markers = markers;
        _detokenizer = tokenizer is null ? null : new Detokenizer(tokenizer, atStart: false);
        _writer = new AnswerWriter(new StopTexts(options.StopTexts), new CallIds(options.IdSeed));
        _reader = new AnswerReader(_source, _writer, markers, options.Tools, options.HoldsCalls);
        _reading = new AnswerMachine(_reader, options).RunAsync();
    }

    /// <summary>The stop text that was written, after which nothing more will come; null: none.</summary>
    public string? StopText => _writer.StopText;

    /// <summary>Calls that have begun.</summary>
    public int Calls => _writer.Calls;

    /// <summary>Tokens read so far.</summary>
    public int Tokens { get; private set; }

    /// <summary>Tokens of reasoning so far, its marks included.</summary>
    public int ReasoningTokens { get; private set; }

    /// <summary>Takes tokens and gives the events that are certain. Valid until the next call.</summary>
    public IReadOnlyList<ConversationEvent> Append(IReadOnlyList<int> tokens)
    {
        _events.Clear();
        for (int i = 0; i < tokens.Count && StopText is null; i++)
        {
            bool wasReasoning = _reader.IsReasoning;
            Tokens++;
            Feed(_markers.TryGetSign(tokens[i], out char sign) ? _detokenizer!.Flush() + sign : _detokenizer!.Append(tokens[i]));
            ReasoningTokens += wasReasoning || _reader.IsReasoning ? 1 : 0;
        }

        return _events;
    }

    /// <summary>Takes text, in which marks are spelled out.</summary>
    public IReadOnlyList<ConversationEvent> AppendText(string text)
    {
        _events.Clear();
        Feed(text);
        return _events;
    }

    /// <summary>Ends the answer and gives what was held back.</summary>
    public IReadOnlyList<ConversationEvent> Finish()
    {
        _events.Clear();
        if (StopText is null)
        {
            _source.End();
            Check();
            Take(isLast: true);
        }

        return _events;
    }

    private void Feed(string text)
    {
        if (text.Length > 0)
        {
            _source.Feed(text);
            Check();
            Take(isLast: false);
        }
    }

    private void Take(bool isLast)
    {
        int first = _events.Count;
        _writer.Take(_events, isLast);
        for (int i = first; i < _events.Count; i++)
        {
            _events[i] = _events[i] with { Tokens = Tokens };
        }
    }

    private void Check()
    {
        if (_reading.IsCompleted)
        {
            _reading.GetAwaiter().GetResult();
        }
    }
}
