using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public sealed class ConstrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--json-schema", """{"type": "integer", "minimum": 10}""", "12", "1", "a")]
    [InlineData("--gbnf", "root ::= \"1\"? [0-9] \"2\"?\n", "12", "1", "a")]
    [InlineData("--regex", "1?[0-9]2?\n", "12", "1", "a")]
    [InlineData("--choice", "12\n1\n13\n", "12", "1", "a")]
    public async Task Constrain_OneRule_AnswersALineEach(string option, string rule, string whole, string beginning, string wrong)
    {
        string file = _folder.Write("rule", rule);
        string input = string.Join('\n', new[] { whole, beginning, wrong, whole + wrong }.Select(text => JsonSerializer.Serialize(new { text })));

        var result = await new CliHarness(input).RunAsync("constrain", option, file, "--json", "-");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal(
            ["""{"accepted":true,"prefix":true}""", """{"accepted":false,"prefix":false,"at":0}""", """{"accepted":false,"prefix":false,"at":2}"""],
            result.Out.TrimEnd('\n').Split('\n').Where((_, i) => i != 1));
        Assert.Contains("\"prefix\":true", result.Out.Split('\n')[1]);
    }

    [Fact]
    public async Task Constrain_Cases_TakesTheRuleOfEachLine()
    {
        const string Input = """
            {"kind": "json_schema", "rule": "{\"enum\": [\"é\", 1]}", "text": "\"é\""}
            {"kind": "regex", "rule": "é+x", "text": "ééy"}
            {"kind": "gbnf", "rule": "root ::= root \"a\"", "text": "a"}
            {"kind": "choice", "rule": "[\"a\", \"b\"]", "text": "b"}
            """;

        var result = await new CliHarness(Input).RunAsync("constrain", "--cases", "-");

        string[] lines = result.Out.TrimEnd('\n').Split('\n');
        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal("""{"accepted":true,"prefix":true}""", lines[0]);
        Assert.Equal("""{"accepted":false,"prefix":false,"at":4}""", lines[1]);
        Assert.StartsWith("""{"accepted":false,"prefix":false,"error":"rule root: it begins with itself""", lines[2]);
        Assert.Equal("""{"accepted":true,"prefix":true}""", lines[3]);
    }

    [Fact]
    public async Task Constrain_WithAModel_KnowsItsTokens()
    {
        string file = _folder.Write("rule", "root ::= <|im_start|> \"user\" <|im_end|>");
        string input = """{"text": "<|im_start|>user<|im_end|>"}""" + "\n" + """{"text": "<|im_start|>us<|im_end|>"}""";

        var result = await new CliHarness(input).RunAsync("constrain", "--gbnf", file, "--json", "-", "--model", TestData.EmbeddedModel);
        var without = await new CliHarness(input).RunAsync("constrain", "--gbnf", file, "--json", "-");

        Assert.Equal(["""{"accepted":true,"prefix":true}""", """{"accepted":false,"prefix":false,"at":14}"""], result.Out.TrimEnd('\n').Split('\n'));
        Assert.Equal(ExitCode.Failure, without.Code);
        Assert.Contains("line 1, column 10: <|im_start|> is a token of a model's vocabulary", without.Error);
    }

    [Theory]
    [InlineData("give one rule", "constrain", "--json", "-")]
    [InlineData("give one rule", "constrain", "--gbnf", "a", "--regex", "b", "--json", "-")]
    [InlineData("give one rule", "constrain", "--gbnf", "a", "--cases", "-")]
    [InlineData("cannot read", "constrain", "--gbnf", "/nonexistent/file", "--json", "-")]
    public async Task Constrain_WrongArguments_AreNamed(string message, params string[] arguments)
    {
        var result = await new CliHarness("").RunAsync(arguments);

        Assert.NotEqual(ExitCode.Ok, result.Code);
        Assert.Contains(message, result.Error);
    }

    [Theory]
    [InlineData("""{"kind": "yaml", "rule": "", "text": ""}""", "line 1: \"kind\" is 'yaml'; it must be one of json_schema, gbnf, regex, lark, choice")]
    [InlineData("""{"kind": "regex", "text": ""}""", "line 1: the object has no \"rule\"")]
    public async Task Constrain_WrongCase_IsNamed(string input, string message)
    {
        var result = await new CliHarness(input).RunAsync("constrain", "--cases", "-");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains(message, result.Error);
    }

    [Fact]
    public async Task Constrain_Relaxed_NamesWhatWasLeftOut()
    {
        string file = _folder.Write("schema.json", """{"type": "array", "items": {"type": "integer"}, "uniqueItems": true}""");

        var strict = await new CliHarness("""{"text": "[1,1]"}""").RunAsync("constrain", "--json-schema", file, "--json", "-");
        var relaxed = await new CliHarness("""{"text": "[1,1]"}""").RunAsync("constrain", "--json-schema", file, "--json", "-", "--relax");

        Assert.Contains("#/uniqueItems", strict.Error);
        Assert.Contains("left out: #/uniqueItems", relaxed.Error);
        Assert.Contains("\"accepted\":true", relaxed.Out);
    }
}
