namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>
/// Cuts text into the pieces within which a byte-level tokenizer merges. The rules are regular expressions where they come from; here they are
/// scanners written by hand, so that every text takes linear time.
/// </summary>
internal abstract class PreTokenizer
{
    /// <summary>Appends where each piece ends; the last one ends with the text.</summary>
    /// <param name="text">The whole text between two special tokens, not empty.</param>
    /// <param name="ends">Where to append.</param>
    /// <param name="scratch">A list to work with; its contents do not matter.</param>
    public abstract void Cut(ReadOnlySpan<char> text, List<int> ends, List<int> scratch);
}
