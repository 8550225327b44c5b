using LlmServe.Text;

namespace LlmServe.Constraints.Runtime;

/// <summary>Tokens by the number of quotes in them: only these can end the name of a property, or begin one.</summary>
internal sealed class QuoteLists
{
    private const int Most = 4;

    private readonly int[][] _lists; // [quotes] tokens with at least so many; 0: those with a quote or a comma

    /// <param name="tokenizer">Whose tokens.</param>
    public QuoteLists(ITokenizer tokenizer)
    {
        int[] texts = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => VocabularyTrie.IsText(tokenizer, id))];
        int[] quotes = new int[tokenizer.VocabularySize];
        foreach (int id in texts)
        {
            quotes[id] = tokenizer.BytesOf(id).Count((byte)'"');
        }

        _lists = [.. Enumerable.Range(0, Most + 1).Select(least => texts.Where(id => least == 0 ? HasMark(tokenizer, id) : quotes[id] >= least).ToArray())];
    }

    /// <summary>Tokens with at least so many quotes; for 0, those with a quote or a comma.</summary>
    public ReadOnlySpan<int> WithAtLeast(int quotes) => _lists[quotes];

    private static bool HasMark(ITokenizer tokenizer, int id) => tokenizer.BytesOf(id).IndexOfAny((byte)'"', (byte)',') >= 0;
}
