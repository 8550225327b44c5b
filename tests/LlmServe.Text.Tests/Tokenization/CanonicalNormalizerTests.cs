using System.Text.Json;
using LlmServe.Testing;
using LlmServe.Text.Tokenization;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Unicode's canonical forms.</summary>
public sealed class CanonicalNormalizerTests
{
    [Theory]
    [InlineData("abc é", "abc é")]
    [InlineData("e\u0301 a\u0308\u0323 \u1ea1\u0308", "\u00e9 \u1ea1\u0308 \u1ea1\u0308")]
    [InlineData("\u1112\u1161\u11ab \ud55c\u11ab \uac00\u11a8 \u1100\u11a8", "\ud55c \ud55c\u11ab \uac01 \u1100\u11a8")]
    [InlineData("\u2126 \u212b \u0344 \u0958 \ufb1d \u0340", "\u03a9 \u00c5 \u0308\u0301 \u0915\u093c \u05d9\u05b4 \u0300")]
    [InlineData("a\u0315\u0300\u05ae\u0062", "\u00e0\u05ae\u0315b")]
    [InlineData("\u0301a \u0301\u0301", "\u0301a \u0301\u0301")]
    [InlineData("\ud834\udd5e \ud804\udc9a \ud804\udc99\ud804\udcba", "\ud834\udd57\ud834\udd65 \ud804\udc9a \ud804\udc9a")]
    [InlineData("", "")]
    public void Compose_Text_IsNfc(string text, string expected) => Assert.Equal(expected, CanonicalNormalizer.Compose(text).ToString());

    [Fact]
    public void Compose_RandomText_StaysOnceComposed()
    {
        int[] alphabet = ['a', 'e', 0x300, 0x301, 0x323, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xE9, 0x1E69, 0x3099, 0x304B, 0x958, 0x93C, 0x915, 0x1D15E, 0x5B4];
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => char.ConvertFromUtf32(alphabet[random.Next(alphabet.Length)])));
            string composed = CanonicalNormalizer.Compose(text).ToString();
            Assert.Equal(composed, CanonicalNormalizer.Compose(composed).ToString());
            Assert.Equal(Decomposed(text), Decomposed(composed));
        }
    }

    [Fact]
    public void Compose_MarksInTheWrongOrder_TakesNoLongerForMany()
    {
        string many = "a" + new string('\u0301', 200_000) + new string('\u0323', 200_000);
        string composed = CanonicalNormalizer.Compose(many).ToString();
        Assert.Equal("\u1ea1" + new string('\u0323', 199_999) + new string('\u0301', 200_000), composed);
    }

    [SkippableTheory]
    [InlineData("minilm", 30)]
    [InlineData("bert-tiny", 10)]
    [InlineData("nomic-bert-tiny", 10)]
    [InlineData("jina-v2-tiny", 10)]
    [InlineData("modernbert-tiny", 10)]
    [InlineData("qwen3-embedding-tiny", 10)]
    [InlineData("gemma-embedding-tiny", 10)]
    public void Encode_EmbeddingModel_GivesTheOriginalTokenizersIds(string name, int least)
    {
        var tokenizer = Vocabularies.LoadFile(TestData.Shared("data", "golden", "embeddings", name + ".gguf"));
        using var json = JsonDocument.Parse(File.ReadAllText(TestData.Shared("data", "golden", "embeddings", name + ".json")));
        CheckAll(tokenizer, json.RootElement.GetProperty("texts").EnumerateArray(), least);
    }

    [SkippableFact]
    public void Encode_WordPieceCases_GiveTheOriginalTokenizersIds()
    {
        var tokenizer = Vocabularies.LoadFile(TestData.Shared("data", "golden", "embeddings", "minilm.gguf"));
        var lines = File.ReadLines(TestData.Shared("data", "golden", "embeddings", "minilm.tokens.jsonl")).Where(line => line.Length > 0);
        CheckAll(tokenizer, lines.Select(line => JsonDocument.Parse(line).RootElement), 168);
    }

    private static void CheckAll(ITokenizer tokenizer, IEnumerable<JsonElement> texts, int least)
    {
        int count = 0;
        foreach (var text in texts)
        {
            int[] expected = [.. text.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
            Assert.Equal(expected, tokenizer.Encode(text.GetProperty("text").GetString()!, addSpecial: true, parseSpecial: true));
            count++;
        }

        Assert.InRange(count, least, int.MaxValue);
    }

    private static int[] Decomposed(string text)
    {
        var points = new List<int>();
        CanonicalNormalizer.Decompose([.. text.EnumerateRunes().Select(rune => rune.Value)], points);
        return [.. points];
    }
}
