using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmServe.Engine.Sampling;
using LlmServe.Testing;

namespace LlmServe.Engine.Tests;

/// <summary>The 400 draws of a second, independent implementation of NUMERICS' sampling.</summary>
public class SamplerGoldenTests
{
    [Fact]
    public void Sample_GoldenDraws_AreEqual()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "sampling.json")));
        int columns = document.RootElement.GetProperty("columns").GetInt32();
        var logits = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(TestData.Local("golden", "sampling.f32"))).ToArray();
        var sampler = new Sampler(columns);
        int cases = 0;
        foreach (var draw in document.RootElement.GetProperty("cases").EnumerateArray())
        {
            var parameters = draw.GetProperty("parameters");
            var prompt = Ints(draw.GetProperty("prompt"));
            int[] tokens = [.. prompt, .. Ints(draw.GetProperty("answer"))];
            var options = Options(parameters, draw);
            var row = logits.AsSpan(draw.GetProperty("row").GetInt32() * columns, columns);
            int index = draw.GetProperty("index").GetInt32();
            var allowed = Allowed(parameters, columns);
            string name = $"case {cases}: {parameters}";

            int token = sampler.Sample(row, new SamplingParameters(options), tokens, prompt.Length, allowed, index);
            var (reference, kept) = ReferenceSampler.Sample(row, options, tokens, prompt.Length, allowed, index);

            Assert.True(draw.GetProperty("token").GetInt32() == token, name);
            Assert.True(token == reference, name);
            Assert.True(draw.GetProperty("left").GetInt32() == kept.Count, name);
            var first = Ints(draw.GetProperty("left_first"));
            Assert.True(first.SequenceEqual(kept.Take(first.Length)), name);
            if (options.Temperature > 0)
            {
                // Ranks too unlikely to move any sum are left out; those that stand must be the same.
                int shown = Math.Min(first.Length, sampler.Ranking.Count);
                Assert.True(sampler.Ranking.Count <= kept.Count, name);
                Assert.True(Enumerable.Range(0, shown).All(rank => sampler.Ranking.Token(rank) == first[rank]), name);
            }

            cases++;
        }

        Assert.Equal(400, cases);
    }

    private static SamplingOptions Options(JsonElement parameters, JsonElement draw) => new()
    {
        Temperature = Float(parameters, "temperature", 0),
        TopK = (int)Float(parameters, "top_k", 0),
        TopP = Float(parameters, "top_p", 1),
        MinP = Float(parameters, "min_p", 0),
        RepetitionPenalty = Float(parameters, "repetition_penalty", 1),
        RepetitionWindow = parameters.TryGetProperty("penalty_window", out var window) ? window.GetInt32() : null,
        FrequencyPenalty = Float(parameters, "frequency_penalty", 0),
        PresencePenalty = Float(parameters, "presence_penalty", 0),
        LogitBias = parameters.TryGetProperty("logit_bias", out var bias)
            ? bias.EnumerateObject().ToDictionary(entry => int.Parse(entry.Name, CultureInfo.InvariantCulture), entry => entry.Value.GetSingle())
            : new Dictionary<int, float>(),
        Seed = ulong.Parse(draw.GetProperty("seed").GetString()!, CultureInfo.InvariantCulture),
        Choice = draw.GetProperty("choice").GetInt32(),
    };

    private static ulong[] Allowed(JsonElement parameters, int columns)
    {
        if (!parameters.TryGetProperty("banned", out var banned))
        {
            return [];
        }

        var allowed = new ulong[(columns + 63) / 64];
        Array.Fill(allowed, ulong.MaxValue);
        foreach (int token in Ints(banned))
        {
            allowed[token / 64] &= ~(1UL << (token % 64));
        }

        return allowed;
    }

    private static float Float(JsonElement parameters, string name, float neutral) =>
        parameters.TryGetProperty(name, out var value) ? value.GetSingle() : neutral;

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(element => element.GetInt32())];
}
