
namespace LlmServe.Cpu.Tests;

/// <summary>Fusions are optimisations: a program without one of them, or without all, gives the same bits.</summary>
public class PassTests
{
    private static readonly string[] Passes = ["fuse selection", "fuse gated linear", "fuse residual", "join linears"];

    public static TheoryData<string, int> Cases()
    {
        var data = new TheoryData<string, int>();
        foreach (string golden in (string[])["llama int8 f16", "llama-q4_k_m int8 f16", "llama-q5_1 f32 f32"])
        {
            for (int pass = 0; pass <= Passes.Length; pass++)
            {
                data.Add(golden, pass);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public void Logits_WithoutAPass_DigestIsEqual(string name, int pass)
    {
        LoadedModel.RequireVectors();
        var golden = GoldenBits.Named(name);
        foreach (int lanes in (int[])[1, 3])
        {
            foreach (int chunk in (int[])[1, 40])
            {
                using var model = new LoadedModel(golden.Path, new CpuOptions
                {
                    Activations = golden.Activations,
                    Kv = golden.Kv,
                    Lanes = lanes,
                    MaxRowsPerTick = 40,
                    MaxSequences = 1,
                    ContextLength = 1024,
                    WithoutPasses = pass == Passes.Length ? Passes : [Passes[pass]],
                });
                Assert.Equal(golden.Sha256, LogitsRunner.Digest(LogitsRunner.Run(model.Executor, golden.Ids, chunk)));
            }
        }
    }
}
