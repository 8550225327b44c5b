using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text;

namespace LlmServe.Constraints.Tests;

/// <summary>The embedded model's vocabulary: 49,152 tokens.</summary>
internal static class EmbeddedVocabulary
{
    private static readonly Lazy<(ITokenizer, ConstraintVocabulary)> Loaded = new(Load);

    public static ITokenizer Tokenizer => Loaded.Value.Item1;

    public static ConstraintVocabulary Vocabulary => Loaded.Value.Item2;

    private static (ITokenizer, ConstraintVocabulary) Load()
    {
        using var file = GgufFile.Open(TestData.EmbeddedModel);
        var tokenizer = TokenizerFactory.Create(file.Metadata);
        return (tokenizer, new ConstraintVocabulary(tokenizer));
    }
}
