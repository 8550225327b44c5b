namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>One of the expressions that a rule applies in turn.</summary>
internal abstract class Stage
{
    /// <summary>Appends where the pieces of a segment end; what the expression does not match stays together between two matches.</summary>
    /// <param name="segment">A segment that earlier stages left, not empty.</param>
    /// <param name="offset">Where it begins in the text.</param>
    /// <param name="ends">Where to append, counted in the text; the last end is the segment's.</param>
    public abstract void Split(ReadOnlySpan<char> segment, int offset, List<int> ends);
}

/// <summary>A stage that is a rule of its own.</summary>
internal sealed class RuleStage(ScanRule rule) : Stage
{
    /// <inheritdoc/>
    public override void Split(ReadOnlySpan<char> segment, int offset, List<int> ends)
    {
        for (int at = 0; at < segment.Length;)
        {
            at = rule.Next(segment, at);
            ends.Add(offset + at);
        }
    }
}

/// <summary>A stage whose matches can be told from where they begin, without looking far.</summary>
internal abstract class MatchStage : Stage
{
    /// <inheritdoc/>
    public sealed override void Split(ReadOnlySpan<char> segment, int offset, List<int> ends)
    {
        int done = 0;
        for (int at = 0; at < segment.Length;)
        {
            int end = MatchEnd(segment, at);
            if (end == at)
            {
                CharClasses.At(segment, at, out int length);
                at += length;
                continue;
            }

            if (at > done)
            {
                ends.Add(offset + at);
            }

            ends.Add(offset + end);
            done = at = end;
        }

        if (done < segment.Length)
        {
            ends.Add(offset + segment.Length);
        }
    }

    /// <summary>Where the match that begins at an index ends; the index itself where none begins there.</summary>
    protected abstract int MatchEnd(ReadOnlySpan<char> segment, int at);
}
