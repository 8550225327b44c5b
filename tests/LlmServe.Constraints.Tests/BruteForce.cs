using LlmServe.Constraints.Runtime;
using LlmServe.Text;

namespace LlmServe.Constraints.Tests;

/// <summary>What a mask must be, found token by token with <see cref="ConstraintGrammar.Match(ReadOnlySpan{byte})"/>.</summary>
internal static class BruteForce
{
    /// <summary>The tokens that may follow a text of whole bytes.</summary>
    public static HashSet<int> Allowed(ConstraintGrammar grammar, ITokenizer tokenizer, byte[] text)
    {
        var allowed = new HashSet<int>();
        for (int id = 0; id < tokenizer.VocabularySize; id++)
        {
            if (VocabularyTrie.IsText(tokenizer, id) && grammar.Match([.. text, .. tokenizer.BytesOf(id)]).IsPrefix)
            {
                allowed.Add(id);
            }
        }

        if (grammar.Match(text).Accepted)
        {
            allowed.UnionWith(tokenizer.EndOfGenerationIds);
        }

        return allowed;
    }

    /// <summary>The ids whose bits are set.</summary>
    public static HashSet<int> Ids(ReadOnlySpan<ulong> mask)
    {
        var ids = new HashSet<int>();
        for (int id = 0; id < mask.Length * 64; id++)
        {
            if ((mask[id >> 6] >> id & 1) != 0)
            {
                ids.Add(id);
            }
        }

        return ids;
    }
}
