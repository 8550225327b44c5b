using LlmServe.Gguf;
using LlmServe.Text.Tokenization;
using LlmServe.Text.Tokenization.PreTokenizers;

namespace LlmServe.Text;

/// <summary>Builds tokenizers from the metadata of model files.</summary>
public static class TokenizerFactory
{
    private const string Key = "tokenizer.ggml.model";

    // What files may name, and who builds it.
    private static readonly SortedDictionary<string, Func<GgufMetadata, ITokenizer>> Families = new(StringComparer.Ordinal)
    {
        ["gpt2"] = static metadata => CreateBytePair(metadata, metadata.TryGetString("tokenizer.ggml.pre", out string? name) ? name : null),
        ["llama"] = SentencePieceTokenizer.Create,
        ["gemma4"] = LineBpeTokenizer.Create,
        ["bert"] = WordPieceTokenizer.Create,
    };

    /// <summary>The families known: what <c>tokenizer.ggml.model</c> may say.</summary>
    public static IReadOnlyCollection<string> FamilyNames => Families.Keys;

    /// <summary>The rules known for byte-pair vocabularies: what <c>tokenizer.ggml.pre</c> may say.</summary>
    public static IEnumerable<string> RuleNames => PreTokenizerCatalog.Names.Concat(LineBpeTokenizer.RuleNames).Order(StringComparer.Ordinal);

    /// <summary>
    /// The tokenizer that a model file describes: its family by <c>tokenizer.ggml.model</c>, for <c>gpt2</c> its rule by <c>tokenizer.ggml.pre</c>.
    /// </summary>
    /// <exception cref="GgufException">Family or rule is absent or unknown (the message lists the known ones), or the vocabulary is broken.</exception>
    public static ITokenizer Create(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        string? name = metadata.TryGetString(Key, out string? given) ? given : null;
        if (name is null || !Families.TryGetValue(name, out var create))
        {
            throw TokenizerErrors.At(Key, name is null ? "nothing" : TokenizerErrors.Quote(name), string.Join(", ", Families.Keys));
        }

        return create(metadata);
    }

    /// <summary>The tokenizer of a byte-pair vocabulary with the splitting rule of a name: a few rules are those of vocabularies over characters.</summary>
    internal static ITokenizer CreateBytePair(GgufMetadata metadata, string? rule) => rule is not null && LineBpeTokenizer.RuleNames.Contains(rule)
        ? LineBpeTokenizer.Create(metadata) : ByteLevelTokenizer.Create(metadata, rule);
}
