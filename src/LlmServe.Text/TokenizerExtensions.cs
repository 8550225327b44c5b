using System.Text;

namespace LlmServe.Text;

/// <summary>Shorthands for whole texts.</summary>
public static class TokenizerExtensions
{
    /// <summary>The ids of a text; see <see cref="ITokenizer.Encode"/>.</summary>
    public static int[] Encode(this ITokenizer tokenizer, string text, bool addSpecial = false, bool parseSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var ids = new List<int>();
        tokenizer.Encode(text, addSpecial, parseSpecial, ids);
        return [.. ids];
    }

    /// <summary>The text of ids that begin a text; see <see cref="Detokenizer"/>.</summary>
    public static string Decode(this ITokenizer tokenizer, ReadOnlySpan<int> ids, bool showControl = false)
    {
        var detokenizer = new Detokenizer(tokenizer, showControl);
        var text = new StringBuilder();
        foreach (int id in ids)
        {
            text.Append(detokenizer.Append(id));
        }

        return text.Append(detokenizer.Flush()).ToString();
    }
}
