using System.Text;

namespace LlmServe.Text;

/// <summary>Shorthands for whole texts.</summary>
public static class TokenizerExtensions
{
    /// <summary>Appends the ids of <paramref name="text"/> to <paramref name="ids"/>.</summary>
    /// <param name="tokenizer">Whose ids.</param>
    /// <param name="text">Any string; unpaired surrogates are read as U+FFFD.</param>
    /// <param name="addSpecial">Whether the model's own BOS/EOS rules apply.</param>
    /// <param name="parseSpecial">Whether control tokens written in the text become their ids.</param>
    /// <param name="ids">Where to append.</param>
    public static void Encode(this ITokenizer tokenizer, string text, bool addSpecial, bool parseSpecial, List<int> ids)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(text);
        tokenizer.Encode(text, addSpecial, parseSpecial ? [] : [new TextSpan(0, text.Length)], ids);
    }

    /// <summary>The ids of a text; see <see cref="ITokenizer.Encode"/>.</summary>
    public static int[] Encode(this ITokenizer tokenizer, string text, bool addSpecial = false, bool parseSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        var ids = new List<int>();
        Encode(tokenizer, text, addSpecial, parseSpecial, ids);
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
