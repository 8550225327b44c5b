using LlmServe.Testing.Fakes;

namespace LlmServe.Constraints.Tests;

/// <summary>No object gets a name twice, and none comes to where it could not but.</summary>
public class NameTests
{
    private static readonly FakeTokenizer Tokenizer = new();
    private static readonly ConstraintVocabulary Vocabulary = new(Tokenizer);

    [Theory]
    [InlineData("""{}""", """{"a":1,"b":{"a":1,"b":[{"a":1},{"a":2}]},"aa":2}""", true)]
    [InlineData("""{}""", """{"a":1,"a":2}""", false)]
    [InlineData("""{}""", """[{"x":{"a":1,"b":2,"a":3}}]""", false)]
    [InlineData("""{}""", """{"a":"\"a\":","b":1}""", true)]
    [InlineData("""{}""", """{"\"":1,"\\":2,"\"":3}""", false)]
    [InlineData("""{"properties":{"a":{"type":"integer"}}}""", """{"a":1,"a":2}""", false)]
    [InlineData("""{"properties":{"a":{"type":"integer"}}}""", """{"a":1,"b":2,"b":3}""", false)]
    [InlineData("""{"minProperties":2}""", """{"b":2,"b":3}""", false)]
    [InlineData("""{"type":"object","additionalProperties":false,"patternProperties":{"^[ab]$":{}}}""", """{"b":2,"a":3}""", true)]
    [InlineData("""{"type":"object","additionalProperties":false,"patternProperties":{"^[ab]$":{}}}""", """{"b":2,"a":3,""", false)]
    public void Match_OfObjects_RefusesANameTwice(string schema, string text, bool prefix)
    {
        Assert.Equal(prefix, ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.JsonSchema, schema)).Match(text).IsPrefix);
    }

    [Fact]
    public void Match_OfANameThatIsUsedUp_FailsWhereNothingElseCanCome()
    {
        var grammar = ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.JsonSchema, """{"propertyNames":{"maxLength":2}}"""));

        Assert.True(grammar.Match("""{"ab":1,"a""").IsPrefix);
        Assert.Equal(10, grammar.Match("""{"ab":1,"ab""").FailedAt);
    }

    [Theory]
    [InlineData("""{"type":"object","propertyNames":{"enum":["a","ab","abc"]},"minProperties":3}""")]
    [InlineData("""{"type":"object","propertyNames":{"pattern":"^[ab]{1,2}$"},"minProperties":6}""")]
    [InlineData("""{"type":"object","propertyNames":{"pattern":"^(a|b[ab]*)$"},"minProperties":3,"additionalProperties":{"type":"integer"}}""")]
    [InlineData("""{"type":"object","properties":{"a":{}},"additionalProperties":{"type":"object","propertyNames":{"maxLength":1,"pattern":"[ab]"}}}""")]
    public void Mask_WhereNamesAreFew_IsNeverEmpty(string schema)
    {
        var constraint = TokenConstraint.Create(ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.JsonSchema, schema)), Vocabulary);
        for (int seed = 0; seed < 40; seed++)
        {
            var cursor = constraint.Start();
            var random = new Random(seed);
            var text = new List<byte>();
            while (!cursor.MustEnd && cursor.Position < 300)
            {
                int[] allowed = [.. BruteForce.Ids(cursor.Mask()).Where(id => id is not FakeTokenizer.Eos and not FakeTokenizer.ImEnd).Order()];
                Assert.NotEmpty(allowed);
                int[] letters = [.. allowed.Where(id => "ab\",:}1".Contains((char)id, StringComparison.Ordinal))];
                int token = letters.Length > 0 ? letters[random.Next(letters.Length)] : allowed[random.Next(allowed.Length)];
                Assert.True(cursor.TryAccept(token));
                text.AddRange(Tokenizer.BytesOf(token));
            }

            string written = System.Text.Encoding.UTF8.GetString([.. text]);
            Assert.True(!cursor.MustEnd || System.Text.Json.JsonDocument.Parse(written).RootElement.EnumerateObject().DistinctBy(p => p.Name).Count() >= 0, written);
        }
    }

    [Fact]
    public void Compile_OfMoreNamesThanThereAre_IsRefused()
    {
        var rule = new ConstraintRule(ConstraintKind.JsonSchema, """{"type":"object","propertyNames":{"enum":["a","b"]},"minProperties":3}""");

        Assert.Throws<ConstraintException>(() => ConstraintGrammar.Compile(rule));
    }

    [Fact]
    public void Rewind_InAnObject_ForgetsItsNames()
    {
        var cursor = TokenConstraint.Create(ConstraintGrammar.Compile(ConstraintRule.JsonObject), Vocabulary).Start();
        foreach (char c in """{"x":1,"x""")
        {
            Assert.True(cursor.TryAccept(c));
        }

        Assert.False(cursor.TryAccept('"'));
        Assert.False((cursor.Mask()['"' >> 6] >> '"' & 1) != 0);
        cursor.Rewind(2);
        Assert.True(cursor.TryAccept('y'));
        Assert.True(cursor.TryAccept('"'));
    }

    [Fact]
    public void Call_OfATool_TellsItsNamesApart()
    {
        var rule = ConstraintRule.Of(new ConstraintPart.Sequence(
            new ConstraintPart.TextWithout(["<call>"], []), new ConstraintPart.Literal("<call>"), new ConstraintPart.JsonObject(), new ConstraintPart.Literal("</call>")));
        var grammar = ConstraintGrammar.Compile(rule);

        Assert.True(grammar.Match("""{"a":1,"a":2} <call>{"a":1,"b":2}</call>""").Accepted);
        Assert.False(grammar.Match("""<call>{"a":1,"a":2}</call>""").IsPrefix);
    }
}
