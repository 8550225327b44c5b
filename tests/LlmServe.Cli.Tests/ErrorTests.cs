using Grpc.Core;
using LlmServe.Cli.App;
using LlmServe.Cli.Terminal;
using LlmServe.Cli.Tests.Support;
using LlmServe.Hosting;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public class ErrorTests
{
    [Theory]
    [InlineData("inspect")]
    [InlineData("tokenize", "hello")]
    [InlineData("chat", "hello")]
    [InlineData("serve", "--port", "0")]
    [InlineData("bench")]
    public async Task Run_ModelPathThatIsWrong_IsOneClearLine(params string[] args)
    {
        var result = await new CliHarness().RunAsync([.. args, "--model", "no/such/model.gguf"]);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Empty(result.Out);
        Assert.Matches(@"^llmserve: error: --model: no file at \S*no/such/model.gguf; check the path, .*\n$", result.Error);
    }

    [Fact]
    public async Task Run_ModelThatIsAFolder_SaysSo()
    {
        var result = await new CliHarness().RunAsync("inspect", "--model", AppContext.BaseDirectory);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("is a folder", result.Error);
    }

    [Fact]
    public async Task Run_TruncatedModel_NamesFileAndField()
    {
        using var folder = new TemporaryFolder();
        string path = folder.WriteTruncatedModel(200_000);

        var result = await new CliHarness().RunAsync("chat", "hello", "--model", path);

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.StartsWith($"llmserve: error: {path}: ", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task Run_FailureWithVerbose_ShowsWhereItCameFrom()
    {
        var result = await new CliHarness().RunAsync("inspect", "--model", "no-such.gguf", "--verbose");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("   at ", result.Error);
        Assert.Contains(nameof(ModelFinder), result.Error);
    }

    [Fact]
    public async Task Run_NoServerThere_SaysWhatToDo()
    {
        var result = await new CliHarness().RunAsync("chat", "hello", "--server", "127.0.0.1:1");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("no llmserve server answers at http://127.0.0.1:1: ", result.Error);
        Assert.Contains("llmserve serve", result.Error);
    }

    [Fact]
    public async Task Run_AddressThatIsNone_IsAUsageError()
    {
        var result = await new CliHarness().RunAsync("health", "--address", "ftp://example");

        Assert.Equal(ExitCode.Usage, result.Code);
        Assert.Contains("'ftp://example' is no server address", result.Error);
    }

    [Fact]
    public async Task Health_NobodyThere_Fails()
    {
        var result = await new CliHarness().RunAsync("health", "--address", "http://127.0.0.1:1");

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("http://127.0.0.1:1 is not healthy", result.Error);
    }

    [Fact]
    public void Write_ClosedOutput_IsSilentSuccess()
    {
        var harness = new CliHarness();

        int code = ErrorReport.Write(harness.Console, new OutputClosedException(new IOException("pipe")), verbose: false);

        Assert.Equal(ExitCode.Ok, code);
        Assert.Empty(harness.Error);
    }

    [Fact]
    public void Write_Cancellation_IsSilentWithItsOwnCode()
    {
        var harness = new CliHarness();

        Assert.Equal(ExitCode.Interrupted, ErrorReport.Write(harness.Console, new OperationCanceledException(), verbose: false));
        Assert.Equal(ExitCode.Interrupted, ErrorReport.Write(harness.Console, new RpcException(new Status(StatusCode.Cancelled, "")), verbose: false));
        Assert.Empty(harness.Error);
    }

    [Fact]
    public void Describe_MessageOfSeveralLines_IsOneLine() =>
        Assert.Equal("first second", ErrorReport.Describe(new CliException("first\nsecond\n")));

    [Fact]
    public void Describe_ServerError_CarriesTheServersWords()
    {
        var error = new RpcException(new Status(StatusCode.InvalidArgument, "max_tokens: 0 is not allowed"));

        Assert.Contains("max_tokens: 0 is not allowed", ErrorReport.Describe(error));
    }
}
