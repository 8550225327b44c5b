using System.Text;
using System.Text.Json;
using LlmServe.Testing.Fakes;
using static LlmServe.Constraints.ConstraintPart;

namespace LlmServe.Constraints.Tests;

public class PartTests
{
    private static readonly FakeTokenizer Tokenizer = new();
    private static readonly ConstraintVocabulary Vocabulary = new(Tokenizer);

    private static readonly ConstraintPart Call = new Sequence(
        new Literal("<call>"),
        new OneOf(
            new Sequence(new Literal("""{"name":"sum","arguments":"""), new Schema(Json("""{"type":"array","items":{"type":"integer"}}""")), new Literal("}")),
            new Sequence(new Literal("""{"name":"say","arguments":"""), new JsonObject(), new Literal("}"))),
        new Literal("</call>"));

    [Theory]
    [InlineData("""<call>{"name":"sum","arguments":[1,2]}</call>""", true)]
    [InlineData("""<call>{"name":"say","arguments":{"a":[]}}</call>""", true)]
    [InlineData("""<call>{"name":"say","arguments":[]}</call>""", false)]
    [InlineData("""<call>{"name":"sing","arguments":{}}</call>""", false)]
    [InlineData("", false)]
    public void Match_OfACall_KnowsItsParts(string text, bool accepted)
    {
        Assert.Equal(accepted, ConstraintGrammar.Compile(ConstraintRule.Of(Call)).Match(text).Accepted);
    }

    [Theory]
    [InlineData("just text", true, true)]
    [InlineData("a < b <cal", true, true)]
    [InlineData("text <call>", false, true)]
    [InlineData("text <call>nonsense", false, false)]
    [InlineData("""text <call>{"name":"say","arguments":{}}</call>""", true, true)]
    [InlineData("""<call>{"name":"say","arguments":{}}</call><call>{"name":"sum","arguments":[]}</call>""", true, true)]
    [InlineData("""<<call>{"name":"sum","arguments":[]}</call> and text""", false, false)]
    public void Match_OfTextThatMayBecomeACall_IsBoundFromTheMarkOn(string text, bool accepted, bool prefix)
    {
        var rule = ConstraintRule.Of(new Sequence(new TextWithout(["<call>"], []), new Repeat(Call, 0, null)));

        var match = ConstraintGrammar.Compile(rule).Match(text);

        Assert.Equal((accepted, prefix), (match.Accepted, match.IsPrefix));
    }

    [Fact]
    public void Mask_OfFreeText_HoldsAllTextAndTheEnd()
    {
        var cursor = Start(ConstraintRule.AnyText);

        Assert.Equal(Enumerable.Range(0, FakeTokenizer.Size).Except([FakeTokenizer.Bos, FakeTokenizer.ImStart]), BruteForce.Ids(cursor.Mask()).Order());
    }

    [Fact]
    public void Mask_BeforeANamedToken_HoldsThatTokenAlone()
    {
        var cursor = Start(ConstraintRule.Of(new Sequence(new Token(FakeTokenizer.ImStart), new Literal("ab"))));

        Assert.Equal([FakeTokenizer.ImStart], BruteForce.Ids(cursor.Mask()));
        Assert.Equal([FakeTokenizer.ImStart], cursor.ForcedTokens().ToArray());
        Assert.False(cursor.TryAccept('a'));
        Assert.True(cursor.TryAccept(FakeTokenizer.ImStart));
        Assert.Equal(Tokenizer.Ids("ab"), cursor.ForcedTokens().ToArray());
    }

    [Fact]
    public void Repeat_BetweenBounds_AllowsAsManyAsTheySay()
    {
        var grammar = ConstraintGrammar.Compile(ConstraintRule.Of(new Repeat(new Regex("[ab]"), 2, 3)));

        Assert.Equal([false, true, true, false], new[] { "a", "ab", "abb", "abba" }.Select(text => grammar.Match(text).Accepted));
    }

    [Fact]
    public void Rule_OfAnotherNotation_IsAPart()
    {
        var grammar = ConstraintGrammar.Compile(ConstraintRule.Of(
            new Sequence(new Rule(new ConstraintRule(ConstraintKind.Gbnf, "root ::= x x\nx ::= \"a\" | \"(\" x \")\"")), new Literal("!"))));

        Assert.True(grammar.Match("((a))a!").Accepted);
        Assert.False(grammar.Match("((a)a!").IsPrefix);
    }

    [Fact]
    public void Compile_OfANamedTokenWithoutAModel_IsRefused()
    {
        var rule = ConstraintRule.Of(new Token(7));

        Assert.Contains("no model", Assert.Throws<ConstraintException>(() => ConstraintGrammar.Compile(rule)).Message);
        Assert.Throws<ConstraintException>(() => ConstraintGrammar.Compile(ConstraintRule.Of(new Token(FakeTokenizer.Size)), Vocabulary));
    }

    [Fact]
    public void Digest_OfDifferentParts_Differs()
    {
        ConstraintRule[] rules =
        [
            ConstraintRule.Of(new Literal("token(1)")), ConstraintRule.Of(new Token(1)), ConstraintRule.Of(new Sequence(new Literal("a"), new Literal("b"))),
            ConstraintRule.Of(new OneOf(new Literal("a"), new Literal("b"))), ConstraintRule.AnyText, ConstraintRule.AnyText with { Preamble = new(new Literal("x"), 3) },
            ConstraintRule.AnyText with { Preamble = new(new Literal("x")) }, ConstraintRule.Of(new Literal("ab")), ConstraintRule.Choice(["a", "b"]),
        ];

        Assert.Equal(rules.Length, rules.Select(rule => rule.Digest()).Distinct().Count());
        Assert.Equal(ConstraintRule.Of(Call).Digest(), ConstraintRule.Of(Call).Digest());
    }

    [Fact]
    public void Preamble_BeforeARule_IsFreeUntilItsMark()
    {
        var cursor = Start(ConstraintRule.Choice(["yes", "no"]) with { Preamble = new(new Literal("##\n")) });

        Accept(cursor, "# of course yes ##");
        Assert.False(cursor.HasBegun);
        Assert.False(cursor.IsComplete);
        Assert.DoesNotContain(FakeTokenizer.Eos, BruteForce.Ids(cursor.Mask()));
        Accept(cursor, "\n");
        Assert.True(cursor.HasBegun);
        Assert.Equal([.. "ny".Select(c => (int)c)], BruteForce.Ids(cursor.Mask()).Order());
        Accept(cursor, "yes");
        Assert.True(cursor.MustEnd);
    }

    [Fact]
    public void Preamble_WhoseTokensAreUsedUp_EndsWithTheRestOfItsMark()
    {
        var cursor = Start(ConstraintRule.Choice(["yes"]) with { Preamble = new(new Literal("stop!"), 3) });

        Accept(cursor, "a st");
        Assert.Equal(Tokenizer.Ids("op!"), cursor.ForcedTokens().ToArray());
        Assert.Equal([Tokenizer.Ids("op!")[0]], BruteForce.Ids(cursor.Mask()));
        Assert.False(cursor.TryAccept('x'));
        foreach (int token in cursor.ForcedTokens().ToArray())
        {
            Assert.True(cursor.TryAccept(token));
        }

        Assert.True(cursor.HasBegun);
        Assert.Equal(Tokenizer.Ids("yes"), cursor.ForcedTokens().ToArray());
        cursor.Rewind(2);
        Assert.False(cursor.HasBegun);
        Assert.NotEqual([Tokenizer.Ids("op!")[0]], BruteForce.Ids(cursor.Mask()));
    }

    [Fact]
    public void Preamble_WithAMarkThatBeginsIt_IsThereWhereTheMarkIs()
    {
        var preamble = new ConstraintPreamble(new Literal("]]"), 3) { Start = new Literal("[[") };
        var cursor = Start(ConstraintRule.Choice(["yes", "["]) with { Preamble = preamble });
        Accept(cursor, "yes");
        Assert.True(cursor.MustEnd);
        Assert.True(cursor.HasBegun);

        cursor = Start(ConstraintRule.Choice(["yes", "["]) with { Preamble = preamble });
        Accept(cursor, " ["); // one or the other
        Assert.False(cursor.HasBegun);
        Accept(cursor, "[xyz");
        Assert.Equal(Tokenizer.Ids("]]"), cursor.ForcedTokens().ToArray());
        Assert.False(cursor.TryAccept('x'));
        Accept(cursor, "]]");
        Assert.True(cursor.HasBegun);
        Accept(cursor, "yes");
        Assert.True(cursor.MustEnd);

        cursor = Start(ConstraintRule.Choice(["["]) with { Preamble = preamble });
        Accept(cursor, "[");
        Assert.True(cursor.IsComplete);
    }

    [Fact]
    public void Preamble_EndedByAToken_AllowsItAnyTime()
    {
        var cursor = Start(ConstraintRule.AnyText with { Preamble = new(new Token(FakeTokenizer.ImStart), 2) });

        Accept(cursor, "ab");
        Assert.Contains(FakeTokenizer.ImStart, BruteForce.Ids(cursor.Mask()));
        Accept(cursor, "cd"[..1]);
        Assert.Equal([FakeTokenizer.ImStart], cursor.ForcedTokens().ToArray());
        Assert.True(cursor.TryAccept(FakeTokenizer.ImStart));
        Assert.True(cursor.IsComplete);
    }

    private static ConstraintCursor Start(ConstraintRule rule) =>
        TokenConstraint.Create(ConstraintGrammar.Compile(rule, Vocabulary), Vocabulary).Start();

    private static void Accept(ConstraintCursor cursor, string text)
    {
        foreach (int token in Tokenizer.Ids(text))
        {
            Assert.True(cursor.TryAccept(token), $"token {token} of {text}, after {cursor.Position}");
        }
    }

    private static JsonElement Json(string text) => JsonDocument.Parse(Encoding.UTF8.GetBytes(text)).RootElement;
}
