using LlmServe.EndToEnd.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.EndToEnd.Tests;

/// <summary>What a user is told about settings that the machine cannot take, or can take only badly.</summary>
public class LoadWarningTests
{
    private static string Model => TestData.Local("golden", "tiny", "llama.gguf");

    [Theory]
    [InlineData("a context of 2000000000 positions takes ", "run", "hello", "--context", "2000000000")]
    [InlineData("65,536 GiB are asked for keys and values", "serve", "--port", "0", "--kv-memory", "65536GiB")]
    public async Task Start_MoreThanTheMachineHolds_IsRefusedWithBothNumbers(string message, params string[] command)
    {
        var result = await LlmServeProcess.RunAsync("", [.. command, "--model", Model]);

        Assert.Equal(1, result.Code);
        Assert.StartsWith("llmserve: error: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
        Assert.Matches("has [0-9.,]+ [MG]iB, of which the weights take", result.Error);
    }

    [Fact]
    public async Task Run_OddSettings_SaysSoOnStandardError()
    {
        int lanes = Environment.ProcessorCount + 1;
        var result = await LlmServeProcess.RunAsync("", "run", "hello", "--max-tokens", "1", "--context", "400", "--lanes", $"{lanes}", "--model", Model);

        Assert.Equal(0, result.Code);
        Assert.Contains("warning: llama.gguf: a context of 400 positions is asked for, but the model's own is 256", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Split('\n'), line => line.StartsWith($"warning: llama.gguf: {lanes} lanes share ", StringComparison.Ordinal));
        Assert.DoesNotContain("warning", result.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Serve_LittleKvMemory_IsLoggedOnce()
    {
        using var server = LlmServeProcess.Start(["serve", "--port", "0", "--lanes", "1", "--kv-memory", "64KiB", "--log-format", "json", "--model", Model]);
        await server.WaitForLineAsync("serving ");
        server.Send(LlmServeProcess.Terminate);
        var result = await server.FinishAsync();

        string line = Assert.Single(result.Error.Split('\n'), line => line.Contains("for keys and values hold", StringComparison.Ordinal));
        Assert.StartsWith("{", line, StringComparison.Ordinal);
        Assert.Contains("\"LogLevel\":\"Warning\"", line, StringComparison.Ordinal);
    }
}
