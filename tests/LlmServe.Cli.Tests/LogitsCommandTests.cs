using System.Text.Json;
using LlmServe.Cli.App;
using LlmServe.Cli.Tests.Support;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests;

public sealed class LogitsCommandTests : IDisposable
{
    private static readonly string Model = TestData.Local("golden", "tiny", "llama.gguf");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Logits_TinyModelWithFloats_IsNearTheGoldenLogits()
    {
        float[] golden = ReadFloats(TestData.Local("golden", "tiny", "llama.logits.f32"));

        float[] logits = await ComputeAsync(48, "--activations", "f32", "--kv", "f32");

        Assert.Equal(48 * 384, logits.Length);
        for (int i = 0; i < logits.Length; i++)
        {
            Assert.InRange(logits[i], golden[i] - 0.001f, golden[i] + 0.001f);
        }
    }

    [Theory]
    [InlineData("--chunk", "1")]
    [InlineData("--chunk", "7")]
    [InlineData("--lanes", "1")]
    [InlineData("--lanes", "3")]
    public async Task Logits_OtherChunksAndLanes_AreTheSameBits(string option, string value)
    {
        float[] expected = await ComputeAsync(40);

        float[] actual = await ComputeAsync(40, option, value);

        Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Select(BitConverter.SingleToUInt32Bits));
    }

    [Theory]
    [InlineData("[1, 384]", "element 1 is 384; the model's ids are 0 to 383")]
    [InlineData("[1, -1]", "element 1 is -1")]
    [InlineData("[1.5]", "element 0 is 1.5")]
    [InlineData("[]", "empty array")]
    [InlineData("{}", "holds an object")]
    [InlineData("[1", "is no JSON")]
    public async Task Logits_BadIds_AreNamed(string ids, string expected)
    {
        var result = await new CliHarness(ids).RunAsync("logits", "--model", Model, "--ids", "-", "--output", _folder.File("out.f32"));

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("--ids: ", result.Error);
        Assert.Contains(expected, result.Error);
    }

    [Fact]
    public async Task Logits_OutputThatCannotBeWritten_IsAClearError()
    {
        var result = await new CliHarness("[1]").RunAsync("logits", "--model", Model, "--ids", "-", "--output", _folder.File("no/folder/out.f32"));

        Assert.Equal(ExitCode.Failure, result.Code);
        Assert.Contains("no/folder", result.Error);
        Assert.DoesNotContain("   at ", result.Error);
    }

    private async Task<float[]> ComputeAsync(int count, params string[] options)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(TestData.Local("golden", "tiny", "llama.json")));
        var sequence = FirstSequence(golden.RootElement).Take(count);
        string ids = _folder.Write("ids.json", $"[{string.Join(", ", sequence)}]");
        string output = _folder.File("logits.f32");

        var result = await new CliHarness().RunAsync(["logits", "--model", Model, "--ids", ids, "--output", output, .. options]);

        Assert.Equal(ExitCode.Ok, result.Code);
        return ReadFloats(output);
    }

    private static IEnumerable<int> FirstSequence(JsonElement golden) =>
        golden.GetProperty("sequences")[0].EnumerateArray().Select(id => id.GetInt32());

    private static float[] ReadFloats(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        float[] values = new float[bytes.Length / sizeof(float)];
        Buffer.BlockCopy(bytes, 0, values, 0, bytes.Length);
        return values;
    }
}
