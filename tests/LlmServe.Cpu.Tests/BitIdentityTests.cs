using LlmServe.Compiler;
using LlmServe.Cpu.Kernels;
using LlmServe.Gguf;
using Xunit.Abstractions;

namespace LlmServe.Cpu.Tests;

/// <summary>Whole-model logits have the bits of the second implementation, on every path that this processor has.</summary>
public class BitIdentityTests(ITestOutputHelper output)
{
    public static TheoryData<int, CpuIsa> Cases()
    {
        var data = new TheoryData<int, CpuIsa>();
        foreach (var isa in Enum.GetValues<CpuIsa>())
        {
            for (int i = 0; i < GoldenBits.All.Count; i++)
            {
                data.Add(i, isa);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Logits_GoldenCase_DigestIsEqual(int index, CpuIsa isa)
    {
        Skip.IfNot(IsaSelector.IsSupported(isa), $"SKIPPED: this processor has no {isa}");
        var golden = GoldenBits.All[index];
        output.WriteLine($"{golden.Model} {golden.Activations} {golden.Kv} on {isa}");
        using var file = GgufFile.Open(golden.Path);
        using var executor = CpuBackend.Load(file, new CpuOptions
        {
            Activations = golden.Activations, Kv = golden.Kv, Lanes = 2, Isa = isa, MaxRowsPerTick = 64, MaxSequences = 2, ContextLength = 1024,
        });
        float[] logits = LogitsRunner.Run(executor, golden.Ids, chunk: 64);
        Assert.Equal(golden.Rows * golden.Columns, logits.Length);
        Assert.Equal(golden.LastRowFirst8, logits.AsSpan((golden.Rows - 1) * golden.Columns, 8).ToArray());
        Assert.Equal(golden.Sha256, LogitsRunner.Digest(logits));
    }
}
