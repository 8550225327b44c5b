using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests.Quantize;

public sealed class QuantizeCommandTests : IDisposable
{
    private static readonly string Model = TestData.Local("golden", "tiny", "llama-linear-rope.gguf");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Quantize_Recipe_WritesAModelThatIsPrinted()
    {
        string output = _folder.File("out.gguf");
        var result = await new CliHarness().RunAsync("quantize", Model, output, "--to", "q8_0");
        Assert.Equal((ExitCode.Ok, ""), (result.Code, result.Error));
        Assert.Contains("| blk.0.attn_q.weight", result.Out);
        Assert.Contains("Q8_0: ", result.Out);
        using var file = GgufFile.Open(output);
        Assert.Equal(GgmlType.Q8_0, file.GetTensor("blk.0.attn_q.weight").Type);
    }

    [Fact]
    public async Task Quantize_DryRun_WritesNothing()
    {
        string output = _folder.File("out.gguf");
        var result = await new CliHarness().RunAsync("quantize", Model, output, "--to", "Q4_0", "--tensor", "blk.*.attn_v=Q8_0", "--dry-run", "--json");
        Assert.Equal(ExitCode.Ok, result.Code);
        Assert.Contains("\"blk.0.attn_v.weight\": \"Q8_0\"", result.Out);
        Assert.False(File.Exists(output));
    }

    [Theory]
    [InlineData("Q9", "blk=Q4_0", "--to: found 'Q9', allowed is one of F32")]
    [InlineData("Q4_0", "blk", "--tensor: found 'blk', allowed is PATTERN=FORMAT")]
    public async Task Quantize_WrongOption_SaysWhatIsAllowed(string to, string tensor, string message)
    {
        var result = await new CliHarness().RunAsync("quantize", Model, _folder.File("out.gguf"), "--to", to, "--tensor", tensor);
        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains(message, result.Error);
    }

    [Fact]
    public async Task Quantize_OntoAnotherFile_NeedsPermission()
    {
        string output = _folder.File("out.gguf");
        File.WriteAllText(output, "mine");
        var result = await new CliHarness().RunAsync("quantize", Model, output, "--to", "Q4_0");
        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("--overwrite", result.Error);
        Assert.Equal("mine", File.ReadAllText(output));
    }

    [Fact]
    public async Task Quantize_OntoItself_IsRefused()
    {
        string copy = _folder.File("model.gguf");
        File.Copy(Model, copy);
        var result = await new CliHarness().RunAsync("quantize", copy, copy, "--to", "Q4_0", "--overwrite");
        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains("is the model itself", result.Error);
    }
}
