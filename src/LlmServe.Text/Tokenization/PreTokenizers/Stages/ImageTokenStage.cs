namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Sets Chameleon's written-out tokens apart: <c>&lt;sentinel:[0-9]+&gt;</c> and <c>IMGIMG[A-I]{1,4}Z</c>.</summary>
internal sealed class ImageTokenStage : MatchStage
{
    private const string Sentinel = "<sentinel:";
    private const string Image = "IMGIMG";

    /// <inheritdoc/>
    protected override int MatchEnd(ReadOnlySpan<char> segment, int at)
    {
        var rest = segment[at..];
        if (rest.StartsWith(Sentinel, StringComparison.Ordinal))
        {
            int digits = Run(rest[Sentinel.Length..], '0', '9', int.MaxValue);
            int end = Sentinel.Length + digits;
            return digits > 0 && end < rest.Length && rest[end] == '>' ? at + end + 1 : at;
        }

        if (rest.StartsWith(Image, StringComparison.Ordinal))
        {
            int letters = Run(rest[Image.Length..], 'A', 'I', 4);
            int end = Image.Length + letters;
            return letters > 0 && end < rest.Length && rest[end] == 'Z' ? at + end + 1 : at;
        }

        return at;
    }

    private static int Run(ReadOnlySpan<char> text, char first, char last, int most)
    {
        int end = text.IndexOfAnyExceptInRange(first, last);
        return Math.Min(end < 0 ? text.Length : end, most);
    }
}
