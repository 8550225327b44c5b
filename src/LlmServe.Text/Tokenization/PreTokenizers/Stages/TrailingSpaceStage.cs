namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Sets the white space at a segment's end apart: <c>\s+$</c>.</summary>
internal sealed class TrailingSpaceStage : Stage
{
    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> segment, int offset, List<int> ends)
    {
        int end = segment.Length;
        while (end > 0 && (CharClasses.Of(segment[end - 1]) & CharClass.Space) != 0)
        {
            end--;
        }

        if (end > 0 && end < segment.Length)
        {
            ends.Add(offset + end);
        }

        ends.Add(offset + segment.Length);
    }
}
