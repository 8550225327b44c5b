using LlmServe.Text;

namespace LlmServe.Engine.Streams;

/// <summary>The text of one answer: tokens in, text that may be shown out.</summary>
internal sealed class AnswerText
{
    private readonly Detokenizer _detokenizer;
    private readonly StopMatcher? _stops;

    public AnswerText(ITokenizer tokenizer, bool specialTokens, IReadOnlyList<string> stops)
    {
        _detokenizer = new Detokenizer(tokenizer, specialTokens, atStart: false); // an answer continues its prompt
        _stops = stops.Count > 0 ? new StopMatcher(stops) : null;
    }

    /// <summary>Whether a stop text has been found; the answer ends before it.</summary>
    public bool Stopped => _stops is { Found: true };

    /// <summary>The stop text that was found; null: none.</summary>
    public string? StopText => _stops?.FoundText;

    /// <summary>Takes a token and returns the text that is certain now; often "" while a character or a possible stop text is incomplete.</summary>
    public string Append(int token) => Certain(_detokenizer.Append(token));

    /// <summary>
    /// The answer is over: returns what was held back, unless a stop text ended it. The bytes of a character that was never completed are not text; the
    /// answer's token ids carry them.
    /// </summary>
    public string Finish() => Stopped ? "" : _stops?.Flush() ?? "";

    private string Certain(string text) => _stops is null ? text : _stops.Push(text);
}
