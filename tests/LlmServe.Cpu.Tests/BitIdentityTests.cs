namespace LlmServe.Cpu.Tests;

/// <summary>Whole-model logits have the bits of the second implementation, on every path that this processor has.</summary>
public class BitIdentityTests
{
    public static TheoryData<string, CpuIsa> Small() => Cases(GoldenBits.Small);

    [SkippableTheory]
    [MemberData(nameof(Small))]
    public void Logits_GoldenCase_DigestIsEqual(string golden, CpuIsa isa) => AssertDigest(golden, isa);

    internal static TheoryData<string, CpuIsa> Cases(IEnumerable<GoldenBits> golden)
    {
        var data = new TheoryData<string, CpuIsa>();
        foreach (string name in golden.Select(g => g.Name))
        {
            foreach (var isa in Enum.GetValues<CpuIsa>())
            {
                data.Add(name, isa);
            }
        }

        return data;
    }

    internal static void AssertDigest(string name, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var golden = GoldenBits.Named(name);
        using var model = LoadedModel.For(golden, isa, lanes: golden.IsEmbedded ? 1 : 2);
        float[] logits = LogitsRunner.Run(model.Executor, golden.Ids, chunk: 64);
        Assert.Equal(golden.Rows * golden.Columns, logits.Length);
        Assert.Equal(golden.LastRowFirst8, logits.AsSpan((golden.Rows - 1) * golden.Columns, 8).ToArray());
        Assert.Equal(golden.Sha256, LogitsRunner.Digest(logits));
    }
}

/// <summary>The same for the embedded model, which takes seconds: a class of its own, so that it runs beside the small ones.</summary>
public class EmbeddedBitIdentityTests
{
    public static TheoryData<string, CpuIsa> Embedded() => BitIdentityTests.Cases(GoldenBits.All.Where(g => g.IsEmbedded));

    [SkippableTheory]
    [MemberData(nameof(Embedded))]
    public void Logits_EmbeddedModel_DigestIsEqual(string golden, CpuIsa isa) => BitIdentityTests.AssertDigest(golden, isa);

    [SkippableTheory]
    [InlineData(1, CpuIsa.Avx2)]
    [InlineData(3, CpuIsa.Avx512)]
    [InlineData(5, CpuIsa.Avx2)]
    [InlineData(3, CpuIsa.Neon)]
    public void Logits_EmbeddedModelOnSomeLanes_DigestIsEqual(int lanes, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var golden = GoldenBits.All.First(g => g.IsEmbedded);
        using var model = LoadedModel.For(golden, isa, lanes);
        Assert.Equal(golden.Sha256, LogitsRunner.Digest(LogitsRunner.Run(model.Executor, golden.Ids, chunk: 7)));
    }
}
