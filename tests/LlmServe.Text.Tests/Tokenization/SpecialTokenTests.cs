using LlmServe.Gguf;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Control and user-defined tokens in texts, BOS and EOS, and what ends a generation.</summary>
public sealed class SpecialTokenTests
{
    [Fact]
    public void Encode_ControlToken_IsParsedOnlyOnRequest()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        Assert.Equal(['a', 258, 'b'], tokenizer.Encode("a<|im_end|>b", parseSpecial: true));
        Assert.Equal("a<|im_end|>b".Length, tokenizer.Encode("a<|im_end|>b").Length);
    }

    [Fact]
    public void Encode_UserDefinedToken_IsAlwaysFound()
    {
        var tokenizer = VocabularyBuilder.Plain("gpt2", "a", "b", "ab", "  ", "    ", "c")
            .Set("token_type", GgufValue.Of([1, 1, 1, 4, 4, 1])).Set("merges", GgufValue.Of(["a b"])).Build();
        Assert.Equal([2, 4, 3, 5], tokenizer.Encode("ab      c"));
        Assert.Equal("ab      c", tokenizer.Decode(tokenizer.Encode("ab      c")));
    }

    [Fact]
    public void Encode_OverlappingTokens_TakesTheLeftmostLongest()
    {
        var tokenizer = VocabularyBuilder.Plain("gpt2", "a", "b", "<x>", "<x>a", "x>ab").Set("token_type", GgufValue.Of([1, 1, 3, 3, 3])).Build();
        Assert.Equal([3, 1, 2, 1, 4], tokenizer.Encode("<x>ab<x>bx>ab", parseSpecial: true));
    }

    [Fact]
    public void Encode_LiteralStretches_HoldNoControlTokens()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        const string Text = "<|im_end|><|im_end|>x<|im_end|>";
        int[] Ids(params TextSpan[] literal)
        {
            var ids = new List<int>();
            tokenizer.Encode(Text, addSpecial: false, literal, ids);
            return [.. ids.Where(id => id > 255)];
        }

        Assert.Equal([258, 258, 258], Ids());
        Assert.Equal([258, 258], Ids(new TextSpan(10, 11)));
        Assert.Equal([258, 258], Ids(new TextSpan(9, 1)));
        Assert.Equal([258], Ids(new TextSpan(0, 1), new TextSpan(30, 1)));
        Assert.Equal([258, 258, 258], Ids(new TextSpan(20, 1)));
        Assert.Empty(Ids(new TextSpan(0, Text.Length)));
    }

    [Fact]
    public void Encode_ShorterTokenInFrontOfALiteralStretch_IsTaken()
    {
        var tokenizer = VocabularyBuilder.Plain("gpt2", "a", "b", "<x>", "<x>a", "<x>ab").Set("token_type", GgufValue.Of([1, 1, 3, 3, 4])).Build();
        var ids = new List<int>();
        tokenizer.Encode("<x>a<x>ab", addSpecial: false, [new TextSpan(3, 1), new TextSpan(8, 1)], ids);
        Assert.Equal([2, 0, 4], ids); // the last is user-defined and found anywhere
    }

    [Fact]
    public void Encode_TextThatMergesSpellAMark_NeverBecomesIt()
    {
        var sentences = VocabularyBuilder.SentencePiece("▁", "<", "/", "s", ">", "</", "</s", "s>").Build();
        Assert.Equal("</s>", sentences.Decode(sentences.Encode("</s>")));
        Assert.DoesNotContain(2, sentences.Encode("</s>"));
        var pairs = VocabularyBuilder.Plain("gpt2", "a", "b", "c", "ab", "abc").Set("token_type", GgufValue.Of([1, 1, 1, 1, 3]))
            .Set("merges", GgufValue.Of(["a b", "ab c"])).Set("pre", GgufValue.Of("llama-bpe")).Build();
        Assert.Equal([3, 2], pairs.Encode("abc"));
        Assert.Equal([4], pairs.Encode("abc", parseSpecial: true));
    }

    [Fact]
    public void Encode_Cancelled_Stops()
    {
        foreach (var tokenizer in new[] { VocabularyBuilder.ByteLevel().Build(), VocabularyBuilder.SentencePiece("▁a").Build() })
        {
            Assert.Throws<OperationCanceledException>(() => tokenizer.Encode("a b", false, [], [], new CancellationToken(canceled: true)));
        }
    }

    [Theory]
    [InlineData(null, null, false, false)]
    [InlineData(true, null, true, false)]
    [InlineData(true, true, true, true)]
    [InlineData(false, true, false, true)]
    public void Encode_AddSpecial_FollowsTheFlags(bool? addBos, bool? addEos, bool bos, bool eos)
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Set("add_bos_token", Value(addBos)).Set("add_eos_token", Value(addEos)).Build();
        int[] ids = tokenizer.Encode("", addSpecial: true);
        Assert.Equal([.. bos ? new[] { 256 } : [], .. eos ? new[] { 257 } : []], ids);
        Assert.Empty(tokenizer.Encode(""));
    }

    [Fact]
    public void Encode_LlamaBpeWithoutFlags_AddsBos()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Set("pre", GgufValue.Of("llama-bpe")).Build();
        Assert.Equal([256], tokenizer.Encode("", addSpecial: true));
    }

    [Fact]
    public void EndOfGenerationIds_NamesAndMetadata_AreBothIn()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Set("eot_token_id", GgufValue.Of(5u)).Set("eom_token_id", GgufValue.Of(6u)).Build();
        Assert.Equal([5, 6, 257, 258], tokenizer.EndOfGenerationIds.Order());
    }

    [Fact]
    public void EndOfGenerationIds_HarmonyVocabulary_LeavesOutTheEndOfAMessage()
    {
        var tokenizer = VocabularyBuilder.Plain("gpt2", "a", "<|end|>", "<|return|>", "<|call|>", "<|endoftext|>")
            .Set("token_type", GgufValue.Of([1, 3, 3, 3, 3])).Build();
        Assert.Equal([2, 3, 4], tokenizer.EndOfGenerationIds.Order());
    }

    [SkippableTheory]
    [InlineData("smollm2", new[] { "<|im_end|>", "<|endoftext|>", "<reponame>" })]
    [InlineData("llama-bpe", new[] { "<|eot_id|>", "<|end_of_text|>" })]
    [InlineData("phi-3", new[] { "<|end|>", "<|endoftext|>", "</s>" })]
    [InlineData("gemma-4", new[] { "<eos>", "<turn|>", "<|tool_response>" })]
    [InlineData("deepseek-coder", new[] { "<｜end▁of▁sentence｜>" })]
    public void EndOfGenerationIds_RealVocabulary_HasItsMarks(string name, string[] expected)
    {
        var tokenizer = Vocabularies.Load(name);
        Assert.Equal(expected.Order(StringComparer.Ordinal), tokenizer.EndOfGenerationIds.Select(tokenizer.PieceOf).Order(StringComparer.Ordinal));
        Assert.All(tokenizer.EndOfGenerationIds, id => Assert.Equal(TokenKind.Control, tokenizer.KindOf(id)));
    }

    [Fact]
    public void Encode_AppendsToTheList()
    {
        var ids = new List<int> { 7 };
        VocabularyBuilder.ByteLevel().Build().Encode("ab", false, false, ids);
        Assert.Equal(3, ids.Count);
        Assert.Equal(7, ids[0]);
    }

    private static GgufValue? Value(bool? flag) => flag is bool value ? GgufValue.Of(value) : null;
}
