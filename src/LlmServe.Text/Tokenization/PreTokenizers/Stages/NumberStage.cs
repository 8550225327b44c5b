namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>Sets numbers apart, so many characters at a time: <c>\p{N}{1,most}</c>.</summary>
internal sealed class NumberStage(int most) : MatchStage
{
    /// <inheritdoc/>
    protected override int MatchEnd(ReadOnlySpan<char> segment, int at) => ScanRule.NumberEnd(segment, at, most);
}
