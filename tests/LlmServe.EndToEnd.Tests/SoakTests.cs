using System.Text.Json;
using LlmServe.EndToEnd.Tests.Support;

namespace LlmServe.EndToEnd.Tests;

/// <summary>The short form of a soak: everything that clients do to a server, on the embedded model, and what is left of it afterwards.</summary>
public class SoakTests
{
    private const int Requests = 32;

    [Fact]
    public async Task LoadTest_ShortSoak_GivesEverythingBackAndTheAnswersGivenAlone()
    {
        // The number of requests ends it, long before the time does; counts are compared, never times. KV memory is short, so that requests wait and
        // cached blocks are evicted.
        var result = await LlmServeProcess.RunAsync(
            "", "loadtest", "--soak", "10m", "--requests", $"{Requests}", "--streams", "10", "--prompt-tokens", "4-60", "--output-tokens", "2-24", "--shared-prefix", "40",
            "--cancel", "0.2", "--slow", "0.1", "--disconnect", "0.1", "--seed", "6", "--kv-memory", "16MiB", "--json");

        Assert.True(result.Code == 0, result.Error + result.Out);
        using var document = JsonDocument.Parse(result.Out);
        var report = document.RootElement;
        var (requests, soak) = (report.GetProperty("requests"), report.GetProperty("soak"));
        Assert.Equal(Requests, requests.GetProperty("done").GetInt32() + requests.GetProperty("cancelled").GetInt32() + requests.GetProperty("disconnected").GetInt32());
        Assert.True(requests.GetProperty("done").GetInt32() > Requests / 3, result.Out);
        Assert.True(requests.GetProperty("cancelled").GetInt32() > 0 && requests.GetProperty("disconnected").GetInt32() > 0, result.Out);
        Assert.True(report.GetProperty("cached_prompt_tokens").GetInt32() > 0, result.Out);
        Assert.Equal(0, soak.GetProperty("lost_kv_blocks").GetInt32());
        Assert.Equal(0, soak.GetProperty("left_sequences").GetInt32());
        Assert.Equal(requests.GetProperty("done").GetInt32(), report.GetProperty("verified").GetProperty("checked").GetInt32());
        Assert.Equal(0, report.GetProperty("verified").GetProperty("different").GetInt32());

        var samples = soak.GetProperty("samples").EnumerateArray().ToList();
        long growth = samples[^1].GetProperty("resident_bytes_without_kv").GetInt64() - samples[0].GetProperty("resident_bytes_without_kv").GetInt64();
        Assert.True(growth < 256 << 20, $"resident memory grew by {growth} bytes");
        Assert.Equal((0, 0), (samples[^1].GetProperty("running").GetInt32(), samples[^1].GetProperty("waiting").GetInt32()));
    }
}
