using System.Buffers.Binary;
using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

/// <summary>The commands that read a model file without a server.</summary>
public sealed class FileCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Tokenize_JsonLines_GivesTheGoldenIds(bool special)
    {
        var cases = GoldenCases().Where(item => item.GetProperty("parse_special").GetBoolean() == special && !item.GetProperty("add_special").GetBoolean()).ToList();
        string path = _folder.Write("in.jsonl", string.Concat(cases.Select(item => $$"""{"text": {{item.GetProperty("text").GetRawText()}}}""" + "\n")));

        var result = await new CliHarness().RunAsync(["tokenize", "--json", path, .. special ? (string[])["--special"] : []]);

        string[] lines = result.Out.TrimEnd().Split('\n');
        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.True(cases.Count > 50);
        Assert.Equal(cases.Select(item => string.Join(',', item.GetProperty("ids").EnumerateArray())), lines.Select(line => string.Join(',', Ids(line))));
    }

    [Fact]
    public async Task Tokenize_PlainText_ShowsATokenPerLineInAPipe()
    {
        var result = await new CliHarness().RunAsync("tokenize", "Hello\n<|im_end|>", "--special");

        Assert.Equal("19556\tHello\n198\t\\n\n2\t<|im_end|>\n", result.Out);
    }

    [Fact]
    public async Task Tokenize_Terminal_ShowsPiecesInColour()
    {
        var result = await new CliHarness(terminal: true).RunAsync("tokenize", "Hello world");

        Assert.Contains("\e[", result.Out);
        Assert.Contains("19556 905", result.Out);
    }

    [Fact]
    public async Task Tokenize_StandardInput_IsReadToItsEnd()
    {
        var result = await new CliHarness("Hello world").RunAsync("tokenize");

        Assert.Equal("19556\tHello\n905\t world\n", result.Out);
    }

    [Fact]
    public async Task Tokenize_UnpairedSurrogate_IsAReplacementCharacter()
    {
        var lone = await new CliHarness("""{"text": "a\ud800\n\u0041"}""").RunAsync("tokenize", "--json", "-");
        var replaced = await new CliHarness("""{"text": "a\ufffd\nA"}""").RunAsync("tokenize", "--json", "-");

        Assert.Equal(ExitCode.Ok, lone.Code);
        Assert.Equal(replaced.Out, lone.Out);
    }

    [Theory]
    [InlineData("{\"text\": \"a\"}\nnonsense", "line 2 is no JSON")]
    [InlineData("[1]", "line 1 is an array")]
    [InlineData("{\"txt\": \"a\"}", "line 1: the object has no \"text\"")]
    [InlineData("\n{\"text\": 1}", "line 2: \"text\" is a number; it must be a string")]
    public async Task Tokenize_BadLine_IsNamed(string input, string expected)
    {
        var result = await new CliHarness(input).RunAsync("tokenize", "--json", "-");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains(expected, result.Error);
    }

    [Fact]
    public async Task Inspect_EmbeddedModel_ShowsEverySection()
    {
        var result = await new CliHarness().RunAsync("inspect");

        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.DoesNotContain('\e', result.Out);
        Assert.Matches(@"architecture +llama\n", result.Out);
        Assert.Matches(@"llama.embedding_length +u32 +576\n", result.Out);
        Assert.Matches(@"pre tokenizer +smollm\n", result.Out);
        Assert.Matches(@"eos token +2 <\|im_end\|>\n", result.Out);
        Assert.Matches(@"Q4_1 +210 tensors +66,355,200 bytes\n", result.Out);
        Assert.Matches(@"token_embd.weight +Q8_0 +\[576, 49152\] +30,081,024 bytes\n", result.Out);
        Assert.Contains("{% for message in messages %}", result.Out);
    }

    [Fact]
    public async Task Inspect_Json_IsOneObjectWithTheSame()
    {
        var result = await new CliHarness().RunAsync("inspect", "--json");

        using var document = JsonDocument.Parse(result.Out);
        var root = document.RootElement;
        Assert.Equal(98_362_432, root.GetProperty("bytes").GetInt64());
        Assert.Equal(134_515_008, root.GetProperty("parameters").GetInt64());
        Assert.Equal("llama", root.GetProperty("metadata").GetProperty("general.architecture").GetString());
        Assert.Equal(49152, root.GetProperty("metadata").GetProperty("tokenizer.ggml.tokens").GetProperty("count").GetInt32());
        Assert.Equal(272, root.GetProperty("tensors").GetArrayLength());
        Assert.Equal("token_embd.weight", root.GetProperty("tensors")[0].GetProperty("name").GetString());
        Assert.StartsWith("{% for", root.GetProperty("chat_template").GetString());
    }

    [Fact]
    public async Task Inspect_Tensor_WritesDecodedValues()
    {
        string path = _folder.File("norm.f32");

        var result = await new CliHarness().RunAsync("inspect", "--tensor", "blk.0.attn_norm.weight", "--output", path);

        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Equal(576 * sizeof(float), bytes.Length);
        Assert.All(Enumerable.Range(0, 576), i => Assert.InRange(BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * i)), -10f, 10f));
        Assert.Contains(bytes, value => value != 0);
    }

    [Fact]
    public async Task Inspect_UnknownTensor_SaysSo()
    {
        var result = await new CliHarness().RunAsync("inspect", "--tensor", "blk.99.weight", "--output", _folder.File("x"));

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("blk.99.weight", result.Error);
    }

    private static IEnumerable<JsonElement> GoldenCases() =>
        File.ReadLines(TestData.Local("tokenizers", "smollm2.jsonl")).Select(line => JsonDocument.Parse(line).RootElement);

    private static IEnumerable<int> Ids(string line)
    {
        using var document = JsonDocument.Parse(line);
        return [.. document.RootElement.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];
    }
}
