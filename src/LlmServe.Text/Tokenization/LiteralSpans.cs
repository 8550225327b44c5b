namespace LlmServe.Text.Tokenization;

/// <summary>Walks, from left to right, along the stretches of a text in which control tokens are plain text.</summary>
internal struct LiteralSpans(IReadOnlyList<TextSpan> spans)
{
    private int _next;

    /// <summary>
    /// UTF-16 units from a place to where the next literal stretch begins: 0 within one, <see cref="int.MaxValue"/> where none follows. Places must rise from
    /// call to call.
    /// </summary>
    public int RoomAt(int place)
    {
        while (_next < spans.Count && spans[_next].End <= place)
        {
            _next++;
        }

        return _next == spans.Count ? int.MaxValue : Math.Max(0, spans[_next].Start - place);
    }
}
