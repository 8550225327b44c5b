using LlmServe.Gguf;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Broken or hostile vocabularies are refused with the key, what was found and what is allowed.</summary>
public sealed class MetadataTests
{
    [Fact]
    public void Create_UnknownModel_ListsTheKnownOnes()
    {
        string message = Refusal(VocabularyBuilder.ByteLevel().Set("model", GgufValue.Of("rwkv")));
        Assert.Contains("tokenizer.ggml.model: found 'rwkv'; allowed: bert, gemma4, gpt2, llama", message);
    }

    [Fact]
    public void Create_NoModel_ListsTheKnownOnes() => Assert.Contains("found nothing; allowed: bert,", Refusal(new VocabularyBuilder()));

    [Fact]
    public void Create_UnknownPreTokenizer_ListsTheKnownOnes()
    {
        string message = Refusal(VocabularyBuilder.ByteLevel().Set("pre", GgufValue.Of("no-such-rule")));
        Assert.Contains("tokenizer.ggml.pre: found 'no-such-rule'", message);
        Assert.Contains("llama-bpe", message);
        Assert.Contains("smollm", message);
    }

    [Fact]
    public void Create_NoPreTokenizer_UsesTheRuleOfGpt2()
    {
        var named = VocabularyBuilder.ByteLevel("1 2", "a b").Build();
        var unnamed = VocabularyBuilder.ByteLevel("1 2", "a b").Set("pre", null).Build();
        Assert.Equal(named.Encode("ab 12ab"), unnamed.Encode("ab 12ab"));
    }

    public static TheoryData<string, GgufValue?, string> BrokenByteLevel => new()
    {
        { "tokens", null, "tokenizer.ggml.tokens: found no tokens" },
        { "tokens", GgufValue.Of(Array.Empty<string>()), "tokenizer.ggml.tokens: found no tokens" },
        { "tokens", GgufValue.Of(1u), "tokenizer.ggml.tokens" },
        { "token_type", GgufValue.Of([1, 1]), "tokenizer.ggml.token_type: found 2 entries; allowed: 261" },
        { "token_type", GgufValue.Of(Enumerable.Repeat(77, 261).ToArray()), "found 77 for token 0; allowed: 0 to 6" },
        { "merges", null, "tokenizer.ggml.merges: found nothing" },
        { "merges", GgufValue.Of(["ab"]), "'ab' as entry 0; allowed: two tokens with a space between" },
        { "merges", GgufValue.Of([""]), "'' as entry 0; allowed: two tokens with a space between" },
        { "merges", GgufValue.Of([" "]), "' ' as entry 0; allowed: two tokens with a space between" },
        { "merges", GgufValue.Of(["a b", "x yz"]), "'x yz' as entry 1; allowed: tokens" },
        { "merges", GgufValue.Of(["q "]), "'q ' as entry 0; allowed: tokens" },
        { "merges", GgufValue.Of(["x y"]), "'x y' as entry 0; allowed: tokens" },
        { "merges", GgufValue.Of([new string('a', 5000) + " b"]), "as entry 0; allowed: tokens" },
        { "bos_token_id", GgufValue.Of("one"), "tokenizer.ggml.bos_token_id" },
    };

    [Theory]
    [MemberData(nameof(BrokenByteLevel))]
    public void Create_BrokenByteLevelVocabulary_SaysWhere(string key, GgufValue? value, string expected) =>
        Assert.Contains(expected, Refusal(VocabularyBuilder.ByteLevel("a b", "ab c").Set(key, value)));

    [Theory]
    [InlineData("bos_token_id", 261L)]
    [InlineData("eos_token_id", -1L)]
    [InlineData("eot_token_id", 9999L)]
    [InlineData("eom_token_id", 4294967295L)]
    [InlineData("unknown_token_id", 261L)]
    public void Create_SpecialIdOutsideTheVocabulary_WarnsAndIsLeftOut(string key, long id)
    {
        var value = id < 0 ? GgufValue.Of((int)id) : GgufValue.Of((uint)id);
        var tokenizer = VocabularyBuilder.ByteLevel("a b", "ab c").Set(key, value).Set("add_bos_token", GgufValue.Of(true)).Build();
        Assert.Contains($"tokenizer.ggml.{key} is {id}, which is no token: the vocabulary has 0 to 260", Assert.Single(tokenizer.Warnings));
        Assert.All(tokenizer.Encode("ab", addSpecial: true).Concat(tokenizer.EndOfGenerationIds), token => Assert.InRange(token, 0, 260));
        Assert.Null(key switch { "bos_token_id" => tokenizer.BosId, "eos_token_id" => tokenizer.EosId, _ => null });
    }

    [Fact]
    public void Create_SameTokenTwice_WarnsAndTakesTheLowerId()
    {
        var tokenizer = new VocabularyBuilder().Set("model", GgufValue.Of("gpt2")).Set("tokens", GgufValue.Of(["a", "b", "ab", "ab", "a"]))
            .Set("merges", GgufValue.Of(["a b"])).Build();
        Assert.Contains("'ab' as tokens 2 and 3, and 1 more of the kind", Assert.Single(tokenizer.Warnings));
        Assert.Equal([2, 0], tokenizer.Encode("aba"));
        Assert.Equal("abab", tokenizer.Decode([2, 3]));
    }

    [Fact]
    public void Create_SoundVocabulary_WarnsOfNothing() => Assert.Empty(VocabularyBuilder.ByteLevel("a b").Build().Warnings);

    [Fact]
    public void Create_AddBosWithoutBos_SaysSo() => Assert.Contains(
        "add_bos_token: found true without tokenizer.ggml.bos_token_id",
        Refusal(VocabularyBuilder.ByteLevel().Set("bos_token_id", null).Set("add_bos_token", GgufValue.Of(true))));

    public static TheoryData<string, GgufValue?, string> BrokenSentencePiece => new()
    {
        { "scores", null, "tokenizer.ggml.scores: found nothing; allowed: one score for each of the 262 tokens" },
        { "scores", GgufValue.Of([1f, 2f]), "tokenizer.ggml.scores: found 2 entries; allowed: 262" },
        { "scores", GgufValue.Of(Enumerable.Repeat(float.NaN, 262).ToArray()), "tokenizer.ggml.scores: found NaN for token 0" },
        { "token_type", GgufValue.Of(Enumerable.Repeat(6, 262).ToArray()), "'<unk>' as byte token 0; allowed: <0x00> to <0xFF>" },
    };

    [Theory]
    [MemberData(nameof(BrokenSentencePiece))]
    public void Create_BrokenSentencePieceVocabulary_SaysWhere(string key, GgufValue? value, string expected) =>
        Assert.Contains(expected, Refusal(VocabularyBuilder.SentencePiece("▁a", "b", "▁ab").Set(key, value)));

    [Fact]
    public void Create_WordPieceWithoutUnknownToken_SaysSo() => Assert.Contains(
        "tokenizer.ggml.unknown_token_id: found nothing",
        Refusal(new VocabularyBuilder().Set("model", GgufValue.Of("bert")).Set("tokens", GgufValue.Of(["▁a", "b"]))));

    [Fact]
    public void Create_RandomlyBrokenMetadata_WorksOrIsRefusedWithAMessage()
    {
        string[] keys = ["model", "pre", "tokens", "token_type", "scores", "merges", "bos_token_id", "eos_token_id", "unknown_token_id",
            "seperator_token_id", "cls_token_id", "eot_token_id", "add_bos_token", "add_eos_token", "add_space_prefix"];
        int built = 0;
        for (int seed = 0; seed < 600; seed++)
        {
            var random = new Random(seed);
            var builder = random.Next(2) == 0 ? VocabularyBuilder.ByteLevel("a b", "ab c") : VocabularyBuilder.SentencePiece("▁a", "▁", "a", "<s>a");
            for (int i = random.Next(1, 4); i > 0; i--)
            {
                builder.Set(keys[random.Next(keys.Length)], RandomValue(random));
            }

            var metadata = builder.Metadata();
            try
            {
                var tokenizer = TokenizerFactory.Create(metadata);
                string text = RoundTripTests.RandomText(random, 40);
                Assert.All(tokenizer.Encode(text, addSpecial: true, parseSpecial: true), id => Assert.InRange(id, 0, tokenizer.VocabularySize - 1));
                Assert.All(Enumerable.Range(0, tokenizer.VocabularySize), id => Assert.NotNull(tokenizer.PieceOf(id) + tokenizer.Decode([id])));
                built++;
            }
            catch (GgufException refused)
            {
                Assert.Contains("tokenizer", refused.Message);
            }
        }

        Assert.InRange(built, 60, 540);
    }

    [Fact]
    public void Encode_BytesThatTheVocabularyLacks_AreDropped()
    {
        var tokenizer = new VocabularyBuilder().Set("model", GgufValue.Of("gpt2")).Set("tokens", GgufValue.Of(["a", "", "b", "ab"]))
            .Set("merges", GgufValue.Of(["a b"])).Build();
        Assert.Equal([3, 0, 2], tokenizer.Encode("ab a\0éb"));
    }

    [Fact]
    public void Encode_SentencePieceWithoutByteTokens_GivesTheUnknownToken()
    {
        var tokenizer = new VocabularyBuilder().Set("model", GgufValue.Of("llama")).Set("tokens", GgufValue.Of(["<unk>", "<s>", "</s>", "a", "▁"]))
            .Set("token_type", GgufValue.Of([2, 3, 3, 1, 1])).Set("scores", GgufValue.Of([0f, 0f, 0f, 0f, 0f])).Build();
        Assert.Equal([4, 3, 0, 0, 3], tokenizer.Encode("aé🙂a"));
    }

    [Fact]
    public void PieceOf_IdOutsideTheVocabulary_Throws()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.PieceOf(tokenizer.VocabularySize));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.KindOf(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.BytesOf(int.MaxValue).Length);
    }

    [Fact]
    public void Create_VeryLongTokens_AreRefused()
    {
        string[] tokens = ["a", new string('b', 1025), new string('c', 16385)];
        var builder = VocabularyBuilder.Plain("gpt2", tokens);
        Assert.Contains("found 16385 bytes in token 2; allowed: at most 16384", Refusal(builder));
        builder.Set("tokens", GgufValue.Of(tokens[..2]));
        Assert.Equal(2, builder.Build().VocabularySize);
        Assert.Contains("found 1025 symbols in token 1", Refusal(builder.Set("token_type", GgufValue.Of([1, 3]))));
    }

    private static GgufValue? RandomValue(Random random) => random.Next(12) switch
    {
        0 => null,
        1 => GgufValue.Of(random.Next(-3, 300)),
        2 => GgufValue.Of((uint)random.Next(300)),
        3 => GgufValue.Of(ulong.MaxValue),
        4 => GgufValue.Of(random.Next(2) == 0),
        5 => GgufValue.Of(new[] { "gpt2", "llama", "bert", "gemma4", "qwen2", "" }[random.Next(6)]),
        6 => GgufValue.Of(Enumerable.Range(0, random.Next(4)).Select(_ => RoundTripTests.RandomText(random, 6)).ToArray()),
        7 => GgufValue.Of(new[] { "a", "b", "ab", "c", " ", "<s>", "", "▁", "a b" }[..random.Next(9)]),
        8 => GgufValue.Of(Enumerable.Range(0, new[] { 0, 1, 7, 261, 263 }[random.Next(5)]).Select(_ => random.Next(-1, 8)).ToArray()),
        9 => GgufValue.Of(Enumerable.Range(0, 263).Select(_ => random.Next(1, 7)).ToArray()),
        10 => GgufValue.Of(Enumerable.Range(0, 263).Select(_ => random.Next(3) == 0 ? float.NegativeInfinity : random.NextSingle()).ToArray()),
        _ => GgufValue.Of([1f, float.NaN]),
    };

    private static string Refusal(VocabularyBuilder builder)
    {
        var metadata = builder.Metadata();
        return Assert.Throws<GgufException>(() => TokenizerFactory.Create(metadata)).Message;
    }
}
