namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Sets indentation apart: a tab, a line feed, four spaces or two (<c>[\t\n]|    |  </c>).</summary>
internal sealed class IndentStage : MatchStage
{
    /// <inheritdoc/>
    protected override int MatchEnd(ReadOnlySpan<char> segment, int at)
    {
        if (segment[at] is '\t' or '\n')
        {
            return at + 1;
        }

        var rest = segment[at..];
        return rest.StartsWith("    ", StringComparison.Ordinal) ? at + 4 : rest.StartsWith("  ", StringComparison.Ordinal) ? at + 2 : at;
    }
}
