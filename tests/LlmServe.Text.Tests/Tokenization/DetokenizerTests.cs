using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>Text comes out whole characters at a time, and adds up.</summary>
public sealed class DetokenizerTests
{
    public static TheoryData<string> Names => Vocabularies.Names;

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Append_RandomIds_AddsUpToTheDecodingOfAllBytes(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        var ids = Gen.Choose(0, tokenizer.VocabularySize - 1).ArrayOf().Resize(60).ToArbitrary();
        CheckAll(tokenizer, ids);
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Append_ByteTokensInAnyOrder_AddsUpToTheDecodingOfAllBytes(string name)
    {
        var tokenizer = Vocabularies.Load(name);
        int[] broken = [.. Enumerable.Range(0, tokenizer.VocabularySize).Where(id => tokenizer.BytesOf(id) is [>= 0x80, ..] or [.., >= 0x80]).Take(2000)];
        Assert.NotEmpty(broken);
        var ids = Gen.Elements(broken).ArrayOf().Resize(30).ToArbitrary();
        CheckAll(tokenizer, ids);
    }

    [Fact]
    public void Append_CharacterInPieces_ComesWhole()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        var detokenizer = new Detokenizer(tokenizer);
        byte[] bytes = Encoding.UTF8.GetBytes("é🙂");
        Assert.Equal(["", "é", "", "", "", "🙂"], bytes.Select(value => detokenizer.Append(IdOf(tokenizer, value))));
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void Flush_UnfinishedCharacter_GivesOneReplacement()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        var detokenizer = new Detokenizer(tokenizer);
        Assert.Equal("", detokenizer.Append(IdOf(tokenizer, 0xF0)) + detokenizer.Append(IdOf(tokenizer, 0x9F)));
        Assert.Equal("\uFFFD", detokenizer.Flush());
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void Append_BytesThatAreNoCharacter_GivesReplacements()
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        var detokenizer = new Detokenizer(tokenizer);
        Assert.Equal("\uFFFD", detokenizer.Append(IdOf(tokenizer, 0xFF)));
        Assert.Equal("", detokenizer.Append(IdOf(tokenizer, 0xC3)));
        Assert.Equal("\uFFFDa", detokenizer.Append(IdOf(tokenizer, (byte)'a')));
    }

    [Theory]
    [InlineData(false, "ab")]
    [InlineData(true, "a</s>b")]
    public void Append_ControlToken_ShowsOnlyWhereAsked(bool show, string expected)
    {
        var tokenizer = VocabularyBuilder.ByteLevel().Build();
        Assert.Equal(expected, tokenizer.Decode([IdOf(tokenizer, (byte)'a'), tokenizer.EosId!.Value, IdOf(tokenizer, (byte)'b')], show));
    }

    [Theory]
    [InlineData(true, "a a")]
    [InlineData(false, " a a")]
    public void Append_SentencePiece_StripsTheFirstSpaceOfATextOnly(bool atStart, string expected)
    {
        var tokenizer = VocabularyBuilder.SentencePiece("▁a", "▁", "a").Build();
        var detokenizer = new Detokenizer(tokenizer, atStart: atStart);
        int[] ids = tokenizer.Encode("a a", addSpecial: true);
        Assert.Equal(expected, string.Concat(ids.Select(detokenizer.Append)) + detokenizer.Flush());
    }

    private static void CheckAll(ITokenizer tokenizer, Arbitrary<int[]> sequences) => Check.One(
        Config.QuickThrowOnFailure.WithReplay(7, 11).WithMaxTest(200),
        Prop.ForAll(sequences, ids => tokenizer.Decode(ids) == AtOnce(tokenizer, ids)));

    /// <summary>The plain way: all bytes of all visible tokens, decoded at once.</summary>
    private static string AtOnce(ITokenizer tokenizer, int[] ids)
    {
        var visible = ids.Where(id => tokenizer.KindOf(id) is not (TokenKind.Control or TokenKind.Unknown));
        var bytes = visible.SelectMany(id => tokenizer.BytesOf(id).ToArray()).ToList();
        if (tokenizer.StripsLeadingSpace && bytes is [(byte)' ', ..])
        {
            bytes.RemoveAt(0);
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static int IdOf(ITokenizer tokenizer, byte value) =>
        Enumerable.Range(0, 256).Single(id => tokenizer.BytesOf(id) is [var only] && only == value);
}
