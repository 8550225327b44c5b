using System.Collections.Concurrent;
using LlmServe.Execution;
using Xunit.Abstractions;

namespace LlmServe.Cpu.Tests.Families;

/// <summary>
/// Models of every family: their logits are those of Hugging Face within the bounds of the golden data, and have the same bits on every path. A family is a
/// row here.
/// </summary>
public class FamilyTests(ITestOutputHelper output)
{
    private const double MeanDivergenceF32 = 1e-9;
    private const double MeanDivergenceF16 = 5e-6;
    private const double LargestDifference = 0.001;

    /// <summary>Weights in MXFP4 are multiplied by 8-bit activations in one of the modes; all others are floats, which both modes treat alike.</summary>
    private const double MeanDivergenceInt8 = 2e-3;

    private static readonly ConcurrentDictionary<(string, ActivationMode), Lazy<string>> Digests = [];

    public static TheoryData<string> Models() => [.. FamilyModels.All];

    public static TheoryData<string, CpuIsa> Paths()
    {
        var data = new TheoryData<string, CpuIsa>();
        foreach (string name in FamilyModels.All)
        {
            foreach (var isa in Enum.GetValues<CpuIsa>())
            {
                data.Add(name, isa);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Models))]
    public void Logits_LieWithinTheBounds(string name)
    {
        foreach (var mode in FamilyModels.ModesOf(name))
        {
            foreach (var kv in (KvElement[])[KvElement.F32, KvElement.F16])
            {
                var golden = GoldenLogits.LoadShared(name);
                using var model = Load(name, mode, kv, isa: null, lanes: 1);
                float[] logits = Run(model, golden, chunk: golden.Sequences[0].Length);
                double divergence = LogitsDistance.MeanDivergence(golden.Logits, logits, golden.Vocabulary);
                double largest = LogitsDistance.Largest(golden.Logits, logits);
                output.WriteLine($"{mode} {kv}: mean KL {divergence:e3}, largest difference {largest:e3}");
                bool isRounded = FamilyModels.IsQuantized(name) && mode == ActivationMode.Int8;
                double bound = isRounded ? MeanDivergenceInt8 : kv == KvElement.F32 ? MeanDivergenceF32 : MeanDivergenceF16;
                Assert.True(divergence <= bound, $"{mode} {kv}: mean KL is {divergence:e3}, allowed {bound:e3}; largest difference {largest:e3}");
                Assert.True(isRounded || kv == KvElement.F16 || largest <= LargestDifference, $"{mode} {kv}: largest difference is {largest:e3}");
            }
        }
    }

    /// <summary>Whatever the instruction set, the lanes, the pieces of a prompt and the company: the bits of the scalar kernels, alone on one lane.</summary>
    [SkippableTheory]
    [MemberData(nameof(Paths))]
    public void Logits_AnyPath_DigestIsEqual(string name, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var golden = GoldenLogits.LoadShared(name);
        foreach (var mode in FamilyModels.ModesOf(name))
        {
            string expected = Digests.GetOrAdd((name, mode), key => new Lazy<string>(() => Digest(key.Item1, key.Item2, golden, CpuIsa.Scalar, 1, golden.Sequences[0].Length))).Value;
            foreach (var (lanes, chunk) in isa == CpuIsa.Scalar ? ((int, int)[])[(2, 7)] : [(1, 1), (2, 7), (3, 32), (5, 1), (2, 48)])
            {
                Assert.Equal((mode, lanes, chunk, expected), (mode, lanes, chunk, Digest(name, mode, golden, isa, lanes, chunk)));
            }
        }
    }

    private static string Digest(string name, ActivationMode mode, GoldenLogits golden, CpuIsa isa, int lanes, int chunk)
    {
        using var model = Load(name, mode, KvElement.F16, isa, lanes);
        return LogitsRunner.Digest(Run(model, golden, chunk));
    }

    private static LoadedModel Load(string name, ActivationMode mode, KvElement kv, CpuIsa? isa, int lanes) => new(GoldenLogits.SharedModel(name), new CpuOptions
    {
        Activations = mode, Kv = kv, Isa = isa, Lanes = lanes, MaxRowsPerTick = 96, MaxSequences = 2, ContextLength = 128,
    });

    /// <summary>Both sequences, rows of one and the other in turns in every tick. [sequences · ids, vocabulary]</summary>
    private static float[] Run(LoadedModel model, GoldenLogits golden, int chunk)
    {
        var run = new LogitsRunner(model.Executor, golden.Sequences);
        while (run.Left(0) > 0)
        {
            // Where a tick has many rows, a stretch of one sequence and then one of the other; where it has few, they take turns.
            run.Tick(Enumerable.Range(0, golden.Sequences.Length).SelectMany(slot => Enumerable.Repeat(slot, Math.Min(chunk, run.Left(slot)))));
        }

        return [.. run.Logits.SelectMany(l => l)];
    }
}
