using LlmServe.Engine.Sampling;
using LlmServe.Testing.Fakes;

namespace LlmServe.Engine.Tests;

public class SamplerTests
{
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(uint.MaxValue, uint.MaxValue, uint.MaxValue, uint.MaxValue, ulong.MaxValue, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0x299f31d0a4093822ul, 0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u)]
    public void Block_KnownAnswers_AreEqual(uint c0, uint c1, uint c2, uint c3, ulong key, uint x0, uint x1, uint x2, uint x3) =>
        Assert.Equal((x0, x1, x2, x3), Philox.Block(key, c0, c1, c2, c3));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(384)]
    [InlineData(5003)]
    public void Sample_RandomLogitsAndOptions_EqualsReference(int vocabulary)
    {
        var random = new Random(vocabulary);
        var sampler = new Sampler(vocabulary);
        for (int round = 0; round < (vocabulary > 1000 ? 150 : 400); round++)
        {
            float[] logits = Logits(random, vocabulary);
            var options = Options(random, vocabulary);
            int kinds = random.Next(3) == 0 ? Math.Min(3, vocabulary) : vocabulary; // few kinds repeat themselves a lot
            int[] tokens = [.. Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(kinds))];
            int promptLength = random.Next(1, tokens.Length + 1);
            int index = random.Next(10_000);

            int token = sampler.Sample(logits, new SamplingParameters(options), tokens, promptLength, [], index);

            int expected = ReferenceSampler.Sample(logits, options, tokens, promptLength, [], index).Token;
            Assert.True(expected == token, $"round {round}: expected {expected}, got {token} with {options}");
        }
    }

    [Fact]
    public void Sample_DryWithBreakers_EqualsReferenceTokenByToken()
    {
        var tokenizer = EngineTest.Tokenizer;
        var random = new Random(3);
        var sampler = new Sampler(FakeTokenizer.Size);
        for (int round = 0; round < 40; round++)
        {
            var options = new SamplingOptions { DryMultiplier = 5, DryAllowedLength = random.Next(1, 4), DryWindow = random.Next(2) == 0 ? null : 30 };
            var parameters = new SamplingParameters(options, tokenizer);
            int[] kinds = [.. "ab:\n ".Select(c => (int)c), .. tokenizer.Ids("\n\n")];
            int[] tokens = [.. Enumerable.Range(0, 80).Select(_ => kinds[random.Next(random.Next(2) == 0 ? 2 : kinds.Length)])];
            for (int length = random.Next(1, 30); length <= tokens.Length; length++)
            {
                float[] logits = [.. Enumerable.Range(0, FakeTokenizer.Size).Select(_ => random.NextSingle())];
                int token = sampler.Sample(logits, parameters, tokens.AsSpan(0, length), 1, [], length);
                int expected = ReferenceSampler.Sample(
                    logits, options, tokens[..length], 1, [], length, id => tokenizer.BytesOf(id).IndexOfAny(":\n\"*"u8) >= 0).Token;
                Assert.Equal(expected, token);
            }
        }
    }

    [Fact]
    public void Sample_DryOnALongText_PenalizesWhatComesNext()
    {
        int[] tokens = [.. Enumerable.Range(0, 3000).Select(i => i % 7)];
        float[] logits = [1, 0, 0, 0, 0.5f, 0.2f, 0];
        Assert.Equal(4, new Sampler(7).Sample(logits, new SamplingParameters(new SamplingOptions { DryMultiplier = 1 }), tokens[..(7 * 100)], 1, [], 0));
    }

    [Theory]
    [InlineData(0.3f, 2)]
    [InlineData(0.32f, 1)]
    [InlineData(0.35f, 0)]
    public void Sample_XtcAlways_LeavesOutAllLikelyOnesButTheLast(float threshold, int leaves)
    {
        float[] logits = [MathF.Log(0.36f), MathF.Log(0.33f), MathF.Log(0.31f)];
        var options = new SamplingOptions { Temperature = 1, XtcProbability = 1, XtcThreshold = threshold, TopP = 1 };
        var (token, kept) = ReferenceSampler.Sample(logits, options, [0], 1, [], 0);
        Assert.Equal(3 - leaves, kept.Count);
        Assert.Equal(token, new Sampler(3).Sample(logits, new SamplingParameters(options), [0], 1, [], 0));
    }

    [Theory]
    [InlineData(64)]
    [InlineData(100)]
    [InlineData(1000)]
    public void CopyAllowed_AnyMask_KeepsWhatHasABit(int count)
    {
        var random = new Random(count);
        float[] logits = Logits(random, count);
        var mask = new ulong[(count + 63) / 64];
        for (int round = 0; round < 50; round++)
        {
            random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(mask.AsSpan()));
            int words = random.Next(mask.Length + 1);
            float[] copy = new float[count];
            LogitScan.CopyAllowed(logits, mask.AsSpan(0, words), copy);
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(i / 64 < words && (mask[i / 64] >> (i % 64) & 1) != 0 ? logits[i] : float.NegativeInfinity, copy[i]);
            }
        }
    }

    [Fact]
    public void Sample_PlusAndMinusZero_TieToTheLowerId()
    {
        var plan = new SamplingParameters(new SamplingOptions { Temperature = 0.7f, TopK = 1 });
        Assert.Equal(1, new Sampler(4).Sample([-1, -0f, 0f, -2], plan, [0], 1, [], 0));
        Assert.Equal(1, new Sampler(4).Sample([-1, -0f, 0f, -2], new SamplingParameters(new SamplingOptions()), [0], 1, [], 0));
    }

    [Fact]
    public void Sample_TemperatureMergesTwoLogits_TieToTheLowerId()
    {
        // Different before the division, equal after it: rank order is that of the quotients.
        const float Divisor = 3f;
        float low = 1.5f;
        while (low / Divisor != MathF.BitIncrement(low) / Divisor)
        {
            low = MathF.BitIncrement(low);
        }

        float high = MathF.BitIncrement(low);
        var plan = new SamplingParameters(new SamplingOptions { Temperature = Divisor, TopK = 1 });

        Assert.Equal(0, new Sampler(2).Sample([low, high], plan, [0], 1, [], 0));
    }

    [Theory]
    [InlineData(float.NaN, float.NaN, float.NaN, 0)]
    [InlineData(float.NaN, 1f, 0f, 1)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity, float.NegativeInfinity, 0)]
    [InlineData(0f, float.PositiveInfinity, float.PositiveInfinity, 1)]
    public void Sample_LogitsOfABrokenModel_ChoosesADefinedToken(float a, float b, float c, int expected)
    {
        foreach (float temperature in new[] { 0f, 0.01f })
        {
            var plan = new SamplingParameters(new SamplingOptions { Temperature = temperature });
            Assert.Equal(expected, new Sampler(3).Sample([a, b, c], plan, [0], 1, [], 0));
        }
    }

    [Fact]
    public void Sample_AllOptions_AllocatesNothing()
    {
        const int Vocabulary = 5000;
        var random = new Random(5);
        float[] logits = Logits(random, Vocabulary);
        int[] tokens = [.. Enumerable.Range(0, 100).Select(_ => random.Next(Vocabulary))];
        var sampler = new Sampler(Vocabulary);
        var plans = Enumerable.Range(0, 50).Select(_ => new SamplingParameters(Options(random, Vocabulary))).ToArray();
        for (int warm = 0; warm < 2; warm++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var plan in plans)
            {
                sampler.Sample(logits, plan, tokens, 50, [], 7);
            }

            Assert.True(warm == 0 || GC.GetAllocatedBytesForCurrentThread() == before, "sampling allocated");
        }
    }

    [Fact]
    public void Report_RandomLogits_MatchesDoublePrecision()
    {
        var random = new Random(11);
        float[] logits = Logits(random, 1000);
        logits[17] = logits[900]; // a tie
        var report = new LogProbabilities(1000).Report(logits, 42, 20);

        double max = logits.Max();
        double logSum = Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
        var expected = Enumerable.Range(0, 1000).OrderByDescending(id => logits[id]).ThenBy(id => id).Take(20).ToArray();
        Assert.Equal(expected, report.Top.Select(entry => entry.Key));
        Assert.Equal(42, report.Token);
        Assert.Equal(logits[42] - max - logSum, report.LogProbability, 1e-4);
        Assert.All(report.Top, entry => Assert.Equal(logits[entry.Key] - max - logSum, entry.Value, 1e-4));
    }

    /// <summary>Flat, steep, clustered and tied rows, as models of all kinds give.</summary>
    private static float[] Logits(Random random, int count)
    {
        float spread = new[] { 0.01f, 1f, 4f, 15f, 100f }[random.Next(5)];
        bool rounded = random.Next(3) == 0;
        var logits = new float[count];
        for (int i = 0; i < count; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            logits[i] = (float)(rounded ? Math.Round(normal * 4) / 4 * spread : normal * spread);
        }

        return logits;
    }

    private static SamplingOptions Options(Random random, int vocabulary) => new()
    {
        Temperature = new[] { 0f, 0.1f, 0.7f, 1f, 1.7f, 50f }[random.Next(6)],
        TopK = new[] { 0, 0, 1, 2, 40, 1000, int.MaxValue }[random.Next(7)],
        TopP = new[] { 1f, 1f, 0.01f, 0.5f, 0.95f, 0.9999f }[random.Next(6)],
        MinP = new[] { 0f, 0f, 1e-7f, 0.05f, 1f }[random.Next(5)],
        RepetitionPenalty = new[] { 1f, 1f, 1.3f, 0.7f }[random.Next(4)],
        RepetitionWindow = new int?[] { null, 0, 5, 1000 }[random.Next(4)],
        FrequencyPenalty = new[] { 0f, 0f, 0.7f, -1f }[random.Next(4)],
        PresencePenalty = new[] { 0f, 0f, 1.1f, -0.5f }[random.Next(4)],
        DryMultiplier = new[] { 0f, 0f, 0.8f, 30f }[random.Next(4)],
        DryBase = new[] { 1f, 1.75f, 1e20f }[random.Next(3)],
        DryAllowedLength = random.Next(1, 4),
        DryWindow = new int?[] { null, null, 0, 1, 20 }[random.Next(5)],
        XtcProbability = new[] { 0f, 0f, 0.5f, 1f }[random.Next(4)],
        XtcThreshold = new[] { 1e-5f, 0.01f, 0.1f, 0.5f }[random.Next(4)],
        LogitBias = random.Next(2) == 0 ? new Dictionary<int, float>()
            : new Dictionary<int, float> { [random.Next(vocabulary)] = random.Next(-100, 100) / 10f },
        Seed = (ulong)random.NextInt64(),
        Choice = random.Next(3),
    };
}
