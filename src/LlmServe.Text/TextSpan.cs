namespace LlmServe.Text;

/// <summary>A stretch of a text.</summary>
/// <param name="Start">Offset of its first UTF-16 unit.</param>
/// <param name="Length">UTF-16 units.</param>
public readonly record struct TextSpan(int Start, int Length)
{
    /// <summary>Offset behind its last UTF-16 unit.</summary>
    public int End => Start + Length;
}
