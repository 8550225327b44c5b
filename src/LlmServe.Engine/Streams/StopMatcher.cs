using System.Text;

namespace LlmServe.Engine.Streams;

/// <summary>
/// Finds the first stop text in a text that arrives in pieces, and holds back what could still become one. The result depends on the text alone, not on
/// where pieces end: the stop text that ends first wins; of several that end together, the longest.
/// </summary>
internal sealed class StopMatcher
{
    private readonly string[] _stops;
    private readonly int[][] _borders; // per stop text and prefix length: longest proper prefix of that prefix which is also its end
    private readonly int[] _matched; // per stop text: characters matched so far
    private readonly StringBuilder _held = new();

    /// <param name="stops">Non-empty texts.</param>
    public StopMatcher(IReadOnlyList<string> stops)
    {
        _stops = [.. stops];
        _borders = Array.ConvertAll(_stops, Borders);
        _matched = new int[_stops.Length];
    }

    /// <summary>Whether a stop text has been found; nothing may be pushed after that.</summary>
    public bool Found { get; private set; }

    /// <summary>The stop text that was found; null: none.</summary>
    public string? FoundText { get; private set; }

    /// <summary>Takes the next piece and returns the text that is certain to come before any stop text.</summary>
    public string Push(string text)
    {
        foreach (char character in text)
        {
            _held.Append(character);
            int ended = Advance(character);
            if (ended > 0)
            {
                Found = true;
                FoundText = _held.ToString(_held.Length - ended, ended);
                return Release(keep: ended, drop: true);
            }
        }

        return Release(keep: LongestMatch(), drop: false);
    }

    /// <summary>No text follows: returns what was held back.</summary>
    public string Flush() => Release(keep: 0, drop: false);

    /// <summary>Moves every automaton by a character; returns the length of the longest stop text that ends here, or 0.</summary>
    private int Advance(char character)
    {
        int ended = 0;
        for (int i = 0; i < _stops.Length; i++)
        {
            string stop = _stops[i];
            int length = _matched[i];
            while (length > 0 && stop[length] != character)
            {
                length = _borders[i][length];
            }

            length += stop[length] == character ? 1 : 0;
            _matched[i] = length;
            ended = length == stop.Length ? Math.Max(ended, length) : ended;
        }

        return ended;
    }

    private int LongestMatch()
    {
        int longest = 0;
        foreach (int length in _matched)
        {
            longest = Math.Max(longest, length);
        }

        return longest;
    }

    private string Release(int keep, bool drop)
    {
        int length = _held.Length - keep;
        string text = length == 0 ? "" : _held.ToString(0, length);
        _held.Remove(0, drop ? _held.Length : length);
        return text;
    }

    private static int[] Borders(string stop)
    {
        var borders = new int[stop.Length + 1];
        int length = 0;
        for (int end = 1; end < stop.Length; end++)
        {
            while (length > 0 && stop[length] != stop[end])
            {
                length = borders[length];
            }

            length += stop[length] == stop[end] ? 1 : 0;
            borders[end + 1] = length;
        }

        return borders;
    }
}
