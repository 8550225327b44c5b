using System.Runtime.InteropServices;
using System.Text.Json;
using LlmServe.Cpu.Kernels;
using LlmServe.Execution;
using LlmServe.Testing;
using Xunit.Abstractions;

namespace LlmServe.Cpu.Tests;

/// <summary>
/// The embedded model on real text against Hugging Face's f32: the bounds in the README of the golden data. Vector kernels only; the scalar ones have
/// the same bits. Perplexity over 20 chunks of 512 tokens is a matter of minutes and belongs to the benchmarks.
/// </summary>
public class EmbeddedBoundsTests(ITestOutputHelper output)
{
    private const double Int8Divergence = 0.0036;
    private const double Int8TopOne = 0.955;
    private const double RealF32Divergence = 1e-5;
    private const double RealF32TopOne = 0.995;
    private const double RealF16Divergence = 1e-4;
    private const double RealF16TopOne = 0.99;

    private const int Chunk = 128;

    [SkippableTheory]
    [InlineData(ActivationMode.Int8, KvElement.F16, 4, Int8Divergence, Int8TopOne)]
    [InlineData(ActivationMode.F32, KvElement.F32, 1, RealF32Divergence, RealF32TopOne)]
    [InlineData(ActivationMode.F32, KvElement.F16, 1, RealF16Divergence, RealF16TopOne)]
    public void Logits_SlicesOfText_LieWithinTheBounds(ActivationMode mode, KvElement kv, int slices, double divergenceBound, double topOneBound)
    {
        LoadedModel.RequireVectors();
        string path = TestData.Shared("data", "golden", "embedded", "logits.json");
        byte[] halves = File.ReadAllBytes(TestData.Shared("data", "golden", "embedded", "logits.f16"));
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        int every = document.RootElement.GetProperty("every").GetInt32(), vocabulary = document.RootElement.GetProperty("vocab").GetInt32();
        using var model = Load(mode, kv);
        double divergence = 0;
        int compared = 0, equal = 0;
        foreach (var slice in document.RootElement.GetProperty("slices").EnumerateArray().Take(slices))
        {
            int[] ids = Ints(slice, "ids"), best = Ints(slice, "argmax");
            RunSlice(model.Executor, ids, every, (position, logits) =>
            {
                float[] expected = Widen(halves.AsSpan(compared++ * vocabulary * sizeof(ushort), vocabulary * sizeof(ushort)));
                divergence += LogitsDistance.Divergence(expected, logits);
                equal += LogitsDistance.ArgMax(logits) == best[position] ? 1 : 0;
            });
        }

        output.WriteLine($"{model.Executor.Backend}: mean KL {divergence / compared:e3}, top-1 equal {equal} of {compared}");
        Assert.Equal(slices * 256 / every, compared);
        Assert.True(divergence / compared <= divergenceBound, $"mean KL is {divergence / compared:e3}, allowed {divergenceBound:e3}");
        Assert.True((double)equal / compared >= topOneBound, $"top-1 is equal at {equal} of {compared}, needed {topOneBound}");
    }

    /// <summary>Keys and values in 8 bits against those in f16, on text of the recorded answers, beyond an attention segment.</summary>
    [SkippableTheory]
    [InlineData(ActivationMode.Int8, 0.01)]
    [InlineData(ActivationMode.F32, 0.003)]
    public void Logits_CacheIn8Bits_DivergeLittleFromF16(ActivationMode mode, double bound)
    {
        LoadedModel.RequireVectors();
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "embedded", "greedy.json")));
        int[] ids = [.. document.RootElement.EnumerateArray().SelectMany(c => (int[])[.. Ints(c, "prompt_ids"), .. Ints(c, "int8_ids")]).Take(3 * Chunk)];
        float[][] expected = Every8(mode, KvElement.F16, ids), actual = Every8(mode, KvElement.Q8_0, ids);
        double divergence = expected.Zip(actual, (e, a) => LogitsDistance.Divergence(e, a)).Average();
        int equal = expected.Zip(actual).Count(pair => LogitsDistance.ArgMax(pair.First) == LogitsDistance.ArgMax(pair.Second));
        output.WriteLine($"{mode}, {ids.Length} tokens: mean KL {divergence:e3}, top-1 equal {equal} of {expected.Length}");
        Assert.InRange(divergence, 1e-9, bound);
        Assert.True(equal >= 0.9 * expected.Length, $"top-1 is equal at {equal} of {expected.Length}");
    }

    private static float[][] Every8(ActivationMode mode, KvElement kv, int[] ids)
    {
        using var model = Load(mode, kv);
        var rows = new List<float[]>();
        RunSlice(model.Executor, ids[..(ids.Length / Chunk * Chunk)], 8, (_, logits) => rows.Add(logits.ToArray()));
        return [.. rows];
    }

    [SkippableTheory]
    [InlineData(ActivationMode.Int8, "int8_ids", 8)]
    [InlineData(ActivationMode.F32, "ids", 2)]
    public void Greedy_ChatsInTheSameTicks_SayWhatWasRecorded(ActivationMode mode, string expected, int count)
    {
        LoadedModel.RequireVectors();
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "embedded", "greedy.json")));
        var chats = document.RootElement.EnumerateArray().Take(count).ToArray();
        int[][] prompts = [.. chats.Select(c => Ints(c, "prompt_ids"))], answers = [.. chats.Select(c => Ints(c, expected))];
        using var model = Load(mode, KvElement.F16);
        var said = Greedy(model.Executor, prompts, answers);
        for (int chat = 0; chat < chats.Length; chat++)
        {
            Assert.True(answers[chat].AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(said[chat])), $"chat {chat}: said {string.Join(' ', said[chat])}, expected {string.Join(' ', answers[chat])}");
        }
    }

    /// <summary>As many tokens for each chat as its answer has; all chats decode in the same ticks.</summary>
    private static List<int>[] Greedy(IProgramExecutor executor, int[][] prompts, int[][] answers)
    {
        var said = prompts.Select(_ => new List<int>()).ToArray();
        for (int slot = 0; slot < prompts.Length; slot++)
        {
            int blocks = KvBlock.CountFor(prompts[slot].Length + answers[slot].Length);
            for (int i = 0; i < blocks; i++)
            {
                executor.Rows.BlockTable(slot)[i] = (i * prompts.Length) + slot;
            }

            executor.Rows.Clear();
            for (int i = 0; i < prompts[slot].Length; i++)
            {
                executor.Rows.Add(slot, i, prompts[slot][i], i == prompts[slot].Length - 1);
            }

            executor.RunTick();
            said[slot].Add(LogitsDistance.ArgMax(executor.Logits(0)));
        }

        while (Enumerable.Range(0, prompts.Length).Where(s => said[s].Count < answers[s].Length).ToArray() is { Length: > 0 } open)
        {
            executor.Rows.Clear();
            foreach (int slot in open)
            {
                executor.Rows.Add(slot, prompts[slot].Length + said[slot].Count - 1, said[slot][^1], true);
            }

            executor.RunTick();
            for (int i = 0; i < open.Length; i++)
            {
                said[open[i]].Add(LogitsDistance.ArgMax(executor.Logits(i)));
            }
        }

        return said;
    }

    private static LoadedModel Load(ActivationMode mode, KvElement kv) => new(TestData.EmbeddedModel, new CpuOptions
    {
        Activations = mode,
        Kv = kv,
        Isa = Enum.GetValues<CpuIsa>().Last(IsaSelector.IsSupported),
        Lanes = 1,
        MaxRowsPerTick = Chunk,
        MaxSequences = 8,
        ContextLength = 512,
    });

    private static void RunSlice(IProgramExecutor executor, int[] ids, int every, Action<int, ReadOnlySpan<float>> visit)
    {
        for (int i = 0; i < KvBlock.CountFor(ids.Length); i++)
        {
            executor.Rows.BlockTable(0)[i] = i;
        }

        for (int start = 0; start < ids.Length; start += Chunk)
        {
            executor.Rows.Clear();
            for (int i = start; i < start + Chunk; i++)
            {
                executor.Rows.Add(0, i, ids[i], i % every == every - 1);
            }

            executor.RunTick();
            for (int i = 0; i < Chunk / every; i++)
            {
                visit(start + ((i + 1) * every) - 1, executor.Logits(i));
            }
        }
    }

    private static float[] Widen(ReadOnlySpan<byte> halves)
    {
        var source = MemoryMarshal.Cast<byte, Half>(halves);
        float[] result = new float[source.Length];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = (float)source[i];
        }

        return result;
    }

    private static int[] Ints(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(i => i.GetInt32())];
}
