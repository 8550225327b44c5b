namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Sets runs of some characters apart: <c>[…]+</c>.</summary>
/// <param name="isIn">Whether a character, given with its class, is one of them.</param>
/// <param name="single">Whether each of them is a piece alone: <c>[…]</c>.</param>
/// <param name="lead">What may go along in front.</param>
internal sealed class RunStage(Func<int, CharClass, bool> isIn, bool single = false, RunStage.Lead lead = RunStage.Lead.None) : MatchStage
{
    /// <summary>What goes along in front of a run.</summary>
    internal enum Lead
    {
        /// <summary>Nothing.</summary>
        None,

        /// <summary>A blank: <c> ?[…]+</c>.</summary>
        Blank,

        /// <summary>Any white-space character: <c>\s?[…]+</c>.</summary>
        Space,
    }

    /// <inheritdoc/>
    protected override int MatchEnd(ReadOnlySpan<char> segment, int at)
    {
        int start = at;
        var first = CharClasses.At(segment, at, out int length);
        bool leads = lead == Lead.Blank ? segment[at] == ' ' : lead == Lead.Space && (first & CharClass.Space) != 0;
        if (leads && at + length < segment.Length)
        {
            start += length;
        }

        int end = start;
        while (end < segment.Length && isIn(CharClasses.PointAt(segment, end), CharClasses.At(segment, end, out length)))
        {
            end += length;
            if (single)
            {
                break;
            }
        }

        if (end == start && start > at)
        {
            // White space may itself be one of the characters.
            return isIn(CharClasses.PointAt(segment, at), first) ? start : at;
        }

        return end == start ? at : end;
    }
}
