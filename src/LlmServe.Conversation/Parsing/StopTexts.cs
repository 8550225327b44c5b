namespace LlmServe.Conversation.Parsing;

/// <summary>Looks for texts that end an answer, in text that comes in pieces; holds back no more than may begin one of them.</summary>
internal sealed class StopTexts(IReadOnlyList<string> stops)
{
    private string _held = "";

    /// <summary>The one that was found; the text before it has been given. Null: none yet.</summary>
    public string? Found { get; private set; }

    /// <summary>Takes more text and gives what cannot be part of a stop text.</summary>
    public string Append(string text)
    {
        if (stops.Count == 0)
        {
            return text;
        }

        text = _held + text;
        int first = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first < 0 || at < first))
            {
                (first, Found) = (at, stop);
            }
        }

        if (first >= 0)
        {
            _held = "";
            return text[..first];
        }

        int held = stops.Max(stop => Markers.PartLength(text, stop));
        _held = text[^held..];
        return text[..^held];
    }

    /// <summary>Gives what is held back, since other things follow.</summary>
    public string Flush()
    {
        string text = _held;
        _held = "";
        return text;
    }
}
