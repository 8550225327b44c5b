using System.Text;
using FsCheck;
using FsCheck.Fluent;
using LlmServe.Testing.Fakes;

namespace LlmServe.Constraints.Tests;

public class ChoiceTests
{
    private static readonly FakeTokenizer Tokenizer = new();
    private static readonly ConstraintVocabulary Vocabulary = new(Tokenizer);

    [Theory]
    [InlineData("in", true, true, null)]
    [InlineData("int", true, true, null)]
    [InlineData("inte", false, true, null)]
    [InlineData("", false, true, null)]
    [InlineData("ink", false, false, 2)]
    [InlineData("日", false, true, null)]
    [InlineData("日本語", true, true, null)]
    public void Match_OfTexts_SaysWhereTheyStand(string text, bool accepted, bool prefix, int? at)
    {
        var grammar = ConstraintGrammar.Compile(ConstraintRule.Choice(["in", "int", "integer", "日本語"]));

        Assert.Equal(new ConstraintMatch(accepted, prefix, at), grammar.Match(text));
    }

    [Theory]
    [InlineData("[]", "at least one")]
    [InlineData("{}", "JSON array")]
    [InlineData("[1]", "must be a string")]
    [InlineData("[\"a\", null]", "#/1")]
    [InlineData("nonsense", "no JSON")]
    [InlineData("[\"\\ud800\"]", "surrogate")]
    public void Compile_OfAWrongChoice_SaysWhatIsWrong(string text, string message)
    {
        var error = Assert.Throws<ConstraintException>(() => ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.Choice, text)));

        Assert.Contains(message, error.Message);
    }

    [Fact]
    public void Cursor_ThroughAChoice_EndsWithIt()
    {
        var cursor = Constrain("stop", "stops").Start();

        Assert.True(cursor.TryAccept(Tokenizer.Ids("stop")[0]));
        Assert.True(cursor.IsComplete);
        Assert.False(cursor.MustEnd);
        Assert.Equal([.. Tokenizer.Ids("s"), .. Tokenizer.EndOfGenerationIds.Order()], BruteForce.Ids(cursor.Mask()).Order());
        Assert.True(cursor.TryAccept('s'));
        Assert.True(cursor.MustEnd);
        Assert.False(cursor.TryAccept('s'));
        Assert.True(cursor.TryAccept(FakeTokenizer.Eos));
        Assert.True(cursor.IsEnded);
        Assert.Empty(BruteForce.Ids(cursor.Mask()));
        Assert.False(cursor.TryAccept(FakeTokenizer.Eos));
    }

    [Fact]
    public void Rewind_ToAPosition_AllowsWhatItAllowedThere()
    {
        var cursor = Constrain("one two", "one three").Start();
        var before = BruteForce.Ids(cursor.Mask());
        foreach (int token in Tokenizer.Ids("one tw"))
        {
            Assert.True(cursor.TryAccept(token));
        }

        cursor.Rewind(0);

        Assert.Equal(before, BruteForce.Ids(cursor.Mask()));
        Assert.Equal(0, cursor.Position);
    }

    [Fact]
    public void ForcedTokens_WhereTheTextIsCertain_AreTheTokenizersOwn()
    {
        var cursor = Constrain("Hello world", "Hello one").Start();

        // The last token before the fork could go on in another way, so it is left to the model.
        Assert.Equal(Tokenizer.Ids("Hello"), cursor.ForcedTokens().ToArray());
        Assert.True(cursor.TryAccept(Tokenizer.Ids("Hello")[0]));
        Assert.True(cursor.TryAccept(Tokenizer.Ids(" ")[0]));
        Assert.True(cursor.TryAccept('w'));
        Assert.Equal(Tokenizer.Ids("orld"), cursor.ForcedTokens().ToArray());
    }

    [Fact]
    public void Mask_OfRandomChoices_IsWhatTokenByTokenGives()
    {
        var word = Gen.Elements('a', 'b', 'i', 'n', ' ', 'é', '日').ArrayOf().Where(c => c.Length < 9).Select(c => new string(c));
        var choices = word.NonEmptyListOf().Where(list => list.Count < 8);
        Prop.ForAll(choices.ToArbitrary(), texts =>
        {
            var grammar = ConstraintGrammar.Compile(ConstraintRule.Choice(texts));
            var cursor = TokenConstraint.Create(grammar, Vocabulary).Start();
            var written = new List<byte>();
            foreach (int token in Tokenizer.Ids(texts[0]))
            {
                Assert.Equal(BruteForce.Allowed(grammar, Tokenizer, [.. written]).Order(), BruteForce.Ids(cursor.Mask()).Order());
                Assert.True(cursor.TryAccept(token));
                written.AddRange(Tokenizer.BytesOf(token));
            }

            Assert.True(cursor.IsComplete);
        }).Check(Config.QuickThrowOnFailure.WithReplay(20_260_117, 3).WithMaxTest(100));
    }

    [Fact]
    public async Task CompileAsync_OfEqualRules_GivesOneConstraint()
    {
        using var compiler = new ConstraintCompiler(Vocabulary);

        var first = await compiler.CompileAsync(ConstraintRule.Choice(["a", "b"]));
        var second = await compiler.CompileAsync(ConstraintRule.Choice(["a", "b"]));
        await Assert.ThrowsAsync<ConstraintException>(() => compiler.CompileAsync(new ConstraintRule(ConstraintKind.Choice, "[")));

        Assert.Same(first, second);
        Assert.Equal(1, compiler.Count);
        Assert.True(compiler.Bytes > 0);
    }

    [Fact]
    public async Task CompileAsync_BeyondItsMemory_LetsTheLeastRecentlyUsedGo()
    {
        using var compiler = new ConstraintCompiler(Vocabulary, mostBytes: 1);

        await compiler.CompileAsync(ConstraintRule.Choice(["a"]));
        await compiler.CompileAsync(ConstraintRule.Choice(["b"]));

        Assert.Equal(1, compiler.Count);
    }

    [Fact]
    public void Compile_OfALongRule_NamesTheLimit()
    {
        var rule = ConstraintRule.Choice([new string('a', 300_000)]);

        var error = Assert.Throws<ConstraintException>(() => ConstraintGrammar.Compile(rule));

        Assert.Contains(ConstraintLimits.Default.MaxRuleBytes.ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message);
        Assert.Contains(Encoding.UTF8.GetByteCount(rule.Text).ToString(System.Globalization.CultureInfo.InvariantCulture), error.Message);
    }

    private static TokenConstraint Constrain(params string[] texts) =>
        TokenConstraint.Create(ConstraintGrammar.Compile(ConstraintRule.Choice(texts)), Vocabulary);
}
