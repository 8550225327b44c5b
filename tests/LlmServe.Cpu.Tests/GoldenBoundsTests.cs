using LlmServe.Execution;
using LlmServe.Testing;
using Xunit.Abstractions;

namespace LlmServe.Cpu.Tests;

/// <summary>
/// Logits of the tiny models lie within the bounds that were set for them before this backend was written. They stand in the README of the
/// golden data: measured between Hugging Face's f32 and simulations of the numerics.
/// </summary>
public class GoldenBoundsTests(ITestOutputHelper output)
{
    // golden/quantized.
    private const double QuantizedInt8 = 6e-4;
    private const double QuantizedRealF32 = 1e-9;
    private const double QuantizedRealF16 = 1e-6;

    // golden/tiny, F16 weights: the same in both activation modes.
    private const double TinyF32 = 1e-9;
    private const double TinyF16 = 5e-6;
    private const double TinyLargestDifference = 0.001;

    public static TheoryData<string, ActivationMode, KvElement, CpuIsa> Quantized()
    {
        var data = new TheoryData<string, ActivationMode, KvElement, CpuIsa>();
        foreach (string path in Directory.GetFiles(TestData.Local("golden", "quantized"), "*.gguf").Order(StringComparer.Ordinal))
        {
            foreach (var (mode, kv, isa) in Modes())
            {
                // The scalar kernels are slow: a mode each, the other two follow from equal bits.
                if (isa != CpuIsa.Scalar || (mode == ActivationMode.Int8) == (kv == KvElement.F16))
                {
                    data.Add(Path.GetFileNameWithoutExtension(path), mode, kv, isa);
                }
            }
        }

        return data;
    }

    public static TheoryData<string, ActivationMode, KvElement, CpuIsa> Tiny()
    {
        var data = new TheoryData<string, ActivationMode, KvElement, CpuIsa>();
        foreach (string name in (string[])["llama", "llama3-rope", "llama-linear-rope"])
        {
            foreach (var (mode, kv, isa) in Modes())
            {
                data.Add(name, mode, kv, isa);
            }
        }

        return data;
    }

    [SkippableTheory]
    [MemberData(nameof(Quantized))]
    public void Logits_QuantizedModel_DivergeLessThanTheBound(string name, ActivationMode mode, KvElement kv, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var (golden, logits) = Run("quantized", name, mode, kv, isa);
        double divergence = LogitsDistance.MeanDivergence(golden.Logits, logits, golden.Vocabulary);
        output.WriteLine($"mean KL {divergence:e3}");
        double bound = mode == ActivationMode.Int8 ? QuantizedInt8 : kv == KvElement.F32 ? QuantizedRealF32 : QuantizedRealF16;
        Assert.True(divergence <= bound, $"mean KL is {divergence:e3}, allowed {bound:e3}");
    }

    [SkippableTheory]
    [MemberData(nameof(Tiny))]
    public void Logits_TinyModel_LieWithinTheBounds(string name, ActivationMode mode, KvElement kv, CpuIsa isa)
    {
        LoadedModel.Require(isa);
        var (golden, logits) = Run("tiny", name, mode, kv, isa);
        double divergence = LogitsDistance.MeanDivergence(golden.Logits, logits, golden.Vocabulary);
        double largest = LogitsDistance.Largest(golden.Logits, logits);
        output.WriteLine($"mean KL {divergence:e3}, largest difference {largest:e3}");
        double bound = kv == KvElement.F32 ? TinyF32 : TinyF16;
        Assert.True(divergence <= bound, $"mean KL is {divergence:e3}, allowed {bound:e3}");
        Assert.True(kv == KvElement.F16 || largest <= TinyLargestDifference, $"largest difference is {largest:e3}, allowed {TinyLargestDifference:e3}");
    }

    [Fact]
    public void MeanDivergence_KnownDistributions_IsTheirDivergence()
    {
        // p = (3/4, 1/4) against q = (1/2, 1/2): ln 2 - H(p); a constant added to all logits changes nothing.
        double expected = (0.75 * Math.Log(1.5)) + (0.25 * Math.Log(0.5));
        Assert.Equal(expected, LogitsDistance.MeanDivergence([MathF.Log(3), 0], [7, 7], 2), 1e-6);
    }

    private static IEnumerable<(ActivationMode Mode, KvElement Kv, CpuIsa Isa)> Modes() =>
        from isa in Enum.GetValues<CpuIsa>() from mode in Enum.GetValues<ActivationMode>() from kv in (KvElement[])[KvElement.F16, KvElement.F32] select (mode, kv, isa);

    private static (GoldenLogits Golden, float[] Logits) Run(string folder, string name, ActivationMode mode, KvElement kv, CpuIsa isa)
    {
        var golden = GoldenLogits.Load(folder, name);
        using var model = new LoadedModel(TestData.Local("golden", folder, name + ".gguf"), new CpuOptions
        {
            Activations = mode,
            Kv = kv,
            Isa = isa,
            Lanes = 1,
            MaxRowsPerTick = 96,
            MaxSequences = 2,
            ContextLength = 256,
        });
        var run = new LogitsRunner(model.Executor, golden.Sequences);
        run.Tick(golden.Sequences.SelectMany((ids, slot) => Enumerable.Repeat(slot, ids.Length)));
        return (golden, [.. run.Logits.SelectMany(l => l)]);
    }
}
