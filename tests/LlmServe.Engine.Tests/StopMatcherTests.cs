using FsCheck;
using FsCheck.Fluent;
using LlmServe.Engine.Streams;

namespace LlmServe.Engine.Tests;

public class StopMatcherTests
{
    [Fact]
    public void Push_StopFound_SaysWhich()
    {
        var matcher = new StopMatcher(["ab", "cab", "x"]);
        Assert.Equal("1", matcher.Push("1c"));
        Assert.Null(matcher.FoundText);
        Assert.Equal("", matcher.Push("ab2"));
        Assert.Equal("cab", matcher.FoundText);
    }

    /// <summary>Short texts over two letters: nearly everything overlaps with everything.</summary>
    private static readonly Gen<string> Letters = Gen.Elements('a', 'b').ListOf().Select(letters => string.Concat(letters));

    private static readonly Gen<string> Stop = Gen.NonEmptyListOf(Gen.Elements('a', 'b')).Select(letters => string.Concat(letters.Take(6)));

    [Fact]
    public void Push_RandomPieces_EqualsNaiveSearch()
    {
        var cases = from pieces in Letters.ListOf()
                    from stops in Stop.ListOf()
                    select (Pieces: pieces.ToArray(), Stops: stops.Take(4).ToArray());
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(2000).WithReplay(1234567, 89),
            Prop.ForAll(cases.ToArbitrary(), sample => Matches(sample.Pieces, sample.Stops)));
    }

    [Fact]
    public void Push_PossibleStart_IsHeldUntilItCannotBecomeAStop()
    {
        var matcher = new StopMatcher(["END", "\n\n"]);
        Assert.Equal("x", matcher.Push("xE"));
        Assert.Equal("", matcher.Push("N"));
        Assert.Equal("ENt", matcher.Push("t"));
        Assert.Equal("y", matcher.Push("y\n"));
        Assert.Equal("\n", matcher.Flush());
        Assert.False(matcher.Found);
    }

    [Fact]
    public void Push_AcrossPieces_CutsBeforeTheStop()
    {
        var matcher = new StopMatcher(["END"]);
        Assert.Equal("E", matcher.Push("EE"));
        Assert.Equal("", matcher.Push("ND tail"));
        Assert.True(matcher.Found);
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void Push_SeveralEndTogether_TheLongestCounts()
    {
        var matcher = new StopMatcher(["c", "abc"]);
        Assert.Equal("x", matcher.Push("xabc"));
        Assert.True(matcher.Found);
    }

    private static bool Matches(string[] pieces, string[] stops)
    {
        var matcher = new StopMatcher(stops);
        string text = string.Concat(pieces);
        string shown = "";
        string pushed = "";
        foreach (string piece in pieces)
        {
            if (!matcher.Found)
            {
                shown += matcher.Push(piece);
                pushed += piece;

                // Held back is exactly the longest end that could still become a stop text, and what is shown is never taken back.
                int held = matcher.Found ? -1 : pushed.Length - shown.Length;
                if (held >= 0 && held != LongestPossible(pushed, stops))
                {
                    return false;
                }
            }
        }

        bool found = matcher.Found;
        shown += found ? "" : matcher.Flush();
        var (expected, isStop) = Naive(text, stops);
        return shown == expected && found == isStop;
    }

    private static (string Text, bool Found) Naive(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            int longest = stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal)).Select(stop => stop.Length).DefaultIfEmpty(0).Max();
            if (longest > 0)
            {
                return (text[..(end - longest)], true);
            }
        }

        return (text, false);
    }

    private static int LongestPossible(string text, string[] stops)
    {
        for (int length = text.Length; length > 0; length--)
        {
            if (stops.Any(stop => stop.Length > length && stop.StartsWith(text[^length..], StringComparison.Ordinal)))
            {
                return length;
            }
        }

        return 0;
    }
}
