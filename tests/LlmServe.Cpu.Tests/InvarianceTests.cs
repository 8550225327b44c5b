using LlmServe.Execution;

namespace LlmServe.Cpu.Tests;

/// <summary>The same bits whatever the lanes, the chunking, the company in a tick and the place of KV blocks: promise 1 of the design.</summary>
public class InvarianceTests
{
    private const string TwoSegments = "llama3-rope";

    /// <summary>Every small model on vector kernels; the scalar ones, which are slow, on a few.</summary>
    public static TheoryData<string, CpuIsa> Paths()
    {
        var data = new TheoryData<string, CpuIsa>();
        foreach (var golden in GoldenBits.Small.Where(g => !g.Name.StartsWith(TwoSegments, StringComparison.Ordinal)))
        {
            data.Add(golden.Name, CpuIsa.Avx2);
            data.Add(golden.Name, CpuIsa.Avx512);
            data.Add(golden.Name, CpuIsa.Neon);
            data.Add(golden.Name, CpuIsa.Avx512Vnni);
            if (golden.Name is "llama-q4_1 int8 f16" or "llama-q4_k_m f32 f32" or "llama int8 f32" or "llama f32 f16")
            {
                data.Add(golden.Name, CpuIsa.Scalar);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Paths))]
    public void Logits_AnyNumberOfLanes_DigestIsEqual(string golden, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var g = GoldenBits.Named(golden);
        foreach (int lanes in (int[])[1, 3, 5])
        {
            using var model = LoadedModel.For(g, isa, lanes);
            Assert.Equal((lanes, g.Sha256), (lanes, LogitsRunner.Digest(LogitsRunner.Run(model.Executor, g.Ids, chunk: 64))));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Paths))]
    public void Logits_PromptInChunks_DigestIsEqual(string golden, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var g = GoldenBits.Named(golden);
        using var model = LoadedModel.For(g, isa, lanes: 1);
        foreach (int chunk in (int[])[1, 2, 3, 7, 32])
        {
            Assert.Equal((chunk, g.Sha256), (chunk, LogitsRunner.Digest(LogitsRunner.Run(model.Executor, g.Ids, chunk))));
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Paths))]
    public void Logits_RowsOfManySequencesInterleaved_AreThoseAlone(string golden, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var g = GoldenBits.Named(golden);
        var random = new Random(11);
        int[][] sequences = [g.Ids, [.. g.Ids.Reverse()], g.Ids[5..], [g.Ids[3]], [.. g.Ids, .. g.Ids[..30]]];
        using var model = LoadedModel.For(g, isa, lanes: 2, rows: 48, sequences: sequences.Length);
        string[] alone = [.. sequences.Select(ids => LogitsRunner.Digest(LogitsRunner.Run(model.Executor, ids, 48)))];
        Assert.Equal(g.Sha256, alone[0]);
        var together = new LogitsRunner(model.Executor, sequences, RandomBlocks(random, sequences, model.Executor.Memory.KvGroups[0].Blocks));
        RunShuffled(random, together, sequences);
        for (int slot = 0; slot < sequences.Length; slot++)
        {
            Assert.Equal((slot, alone[slot]), (slot, LogitsRunner.Digest(together.Logits[slot])));
        }
    }

    /// <summary>A cache of 8-bit elements has no recorded digest: the scalar kernels, row by row, say what it should be.</summary>
    [SkippableTheory]
    [InlineData(CpuIsa.Scalar)]
    [InlineData(CpuIsa.Avx2)]
    [InlineData(CpuIsa.Avx512)]
    [InlineData(CpuIsa.Neon)]
    [InlineData(CpuIsa.Avx512Vnni)]
    public void Logits_CacheIn8Bits_DigestIsEqual(CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var g = GoldenBits.Named("llama-q4_k_m int8 f16");
        string expected = CacheIn8Bits(g, CpuIsa.Scalar, lanes: 1, chunk: 1);
        Assert.NotEqual(g.Sha256, expected);
        foreach (var (lanes, chunk) in ((int, int)[])[(1, 1), (1, 32), (2, 7), (3, 3), (5, 64)])
        {
            Assert.Equal((lanes, chunk, expected), (lanes, chunk, CacheIn8Bits(g, isa, lanes, chunk)));
        }
    }

    private static string CacheIn8Bits(GoldenBits g, CpuIsa isa, int lanes, int chunk)
    {
        using var model = LoadedModel.For(g with { Kv = KvElement.Q8_0 }, isa, lanes);
        return LogitsRunner.Digest(LogitsRunner.Run(model.Executor, g.Ids, chunk));
    }

    [SkippableTheory]
    [InlineData("llama-q4_k_m int8 f16", CpuIsa.Scalar)]
    [InlineData("llama-q4_k_m int8 f16", CpuIsa.Avx2)]
    [InlineData("llama-q4_k_m int8 f16", CpuIsa.Avx512)]
    [InlineData("llama-q4_k_m int8 f16", CpuIsa.Neon)]
    [InlineData("llama-q4_k_m int8 f16", CpuIsa.Avx512Vnni)]
    [InlineData("llama f32 f32", CpuIsa.Avx2)]
    public void Logits_PrefixFromBlocksOfAnotherSequence_DigestIsEqual(string golden, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var g = GoldenBits.Named(golden);
        using var model = LoadedModel.For(g, isa, lanes: 1);
        int[] longer = [.. g.Ids, .. g.Ids];
        var run = new LogitsRunner(model.Executor, [longer, g.Ids], [[3, 1, 4], [3, 7]]);
        run.Finish(0, 16);
        run.Assume(1, 32);
        run.Finish(1, 5);

        // The first 32 rows were not computed again; the rest must be the golden ones.
        run.Logits[0].AsSpan(0, 32 * g.Columns).CopyTo(run.Logits[1]);
        Assert.Equal(g.Sha256, LogitsRunner.Digest(run.Logits[1]));
    }

    [SkippableTheory]
    [InlineData(TwoSegments + " int8 f16", CpuIsa.Scalar, 1)]
    [InlineData(TwoSegments + " int8 f16", CpuIsa.Avx2, 1)]
    [InlineData(TwoSegments + " int8 f16", CpuIsa.Avx512, 2)]
    [InlineData(TwoSegments + " int8 f16", CpuIsa.Neon, 2)]
    [InlineData(TwoSegments + " int8 f16", CpuIsa.Avx512Vnni, 2)]
    [InlineData(TwoSegments + " f32 f32", CpuIsa.Scalar, 2)]
    [InlineData(TwoSegments + " f32 f32", CpuIsa.Avx2, 2)]
    [InlineData(TwoSegments + " f32 f32", CpuIsa.Avx512, 1)]
    [InlineData(TwoSegments + " f32 f32", CpuIsa.Neon, 1)]
    public void Logits_DecodeAcrossAttentionSegments_DigestIsEqual(string golden, CpuIsa isa, int lanes)
    {
        LoadedModel.Require(isa);
        var g = GoldenBits.Named(golden);
        using var model = LoadedModel.For(g, isa, lanes);
        var run = new LogitsRunner(model.Executor, [g.Ids]);
        while (run.Left(0) > 400)
        {
            run.Tick(Enumerable.Repeat(0, 50));
        }

        Assert.Equal(g.Sha256, LogitsRunner.Digest(run.Finish(0, 1)));
    }

    [Fact]
    public void Logits_OnlySomeRowsWanted_AreThoseRows()
    {
        var g = GoldenBits.Named("llama-q5_k_m int8 f16");
        using var model = LoadedModel.For(g, CpuIsa.Scalar, lanes: 3);
        float[] all = LogitsRunner.Run(model.Executor, g.Ids, 64);
        var rows = model.Executor.Rows;
        rows.Clear();
        for (int i = 0; i < g.Ids.Length; i++)
        {
            rows.Add(0, i, g.Ids[i], select: i % 13 == 5);
        }

        model.Executor.RunTick();
        Assert.Equal(3, rows.SelectedCount);
        for (int i = 0; i < rows.SelectedCount; i++)
        {
            Assert.True(model.Executor.Logits(i).SequenceEqual(all.AsSpan(((13 * i) + 5) * g.Columns, g.Columns)), $"logits row {i}");
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => model.Executor.Logits(3).Length);
    }

    private static int[][] RandomBlocks(Random random, int[][] sequences, int blocks)
    {
        int[] ids = [.. Enumerable.Range(0, blocks)];
        random.Shuffle(ids);
        int next = 0;
        return [.. sequences.Select(s => Enumerable.Range(0, KvBlock.CountFor(s.Length)).Select(_ => ids[next++]).ToArray())];
    }

    private static void RunShuffled(Random random, LogitsRunner run, int[][] sequences)
    {
        while (true)
        {
            int[] open = [.. Enumerable.Range(0, sequences.Length).Where(s => run.Left(s) > 0)];
            if (open.Length == 0)
            {
                return;
            }

            int[] left = [.. Enumerable.Range(0, sequences.Length).Select(run.Left)];
            var rows = new List<int>();
            int wanted = random.Next(3) == 0 ? random.Next(1, 4) : random.Next(4, 49);
            while (rows.Count < wanted && open.Any(s => left[s] > 0))
            {
                int slot = open[random.Next(open.Length)];
                if (left[slot] > 0)
                {
                    left[slot]--;
                    rows.Add(slot);
                }
            }

            run.Tick(rows);
        }
    }
}
