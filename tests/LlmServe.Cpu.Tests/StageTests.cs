using System.Runtime.InteropServices;
using System.Text.Json;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Activations;
using LlmServe.Cpu.Kernels.Reference;
using LlmServe.Cpu.Kernels.Simd;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests;

/// <summary>
/// The inside of one run against <c>golden/stages</c>: the first place where bits part. Values that a program keeps only as 8-bit blocks are compared with
/// the blocks of the dumped values.
/// </summary>
public unsafe class StageTests
{
    private const int Rows = 8;

    private static readonly int[] Ids = ReadIds();

    [SkippableTheory]
    [InlineData(CpuIsa.Scalar)]
    [InlineData(CpuIsa.Avx2)]
    [InlineData(CpuIsa.Avx512)]
    [InlineData(CpuIsa.Neon)]
    [InlineData(CpuIsa.Avx512Vnni)]
    public void FirstLayer_EveryBuffer_EqualsItsDump(CpuIsa isa)
    {
        LoadedModel.Require(isa);
        using var lab = new StageLab(Model(), isa, Ids);
        lab.RunThrough("embed");
        AssertReal(lab, "embedding", Dump("embedding"));

        lab.RunThrough("blk.0.q");
        AssertForms(lab, isa, "blk.0.attn_norm", "layer0.attn_norm");
        AssertReal(lab, "blk.0.q", Dump("layer0.q_rope"));
        AssertHalves(lab, "blk.0.k", "layer0.k_rope");
        AssertHalves(lab, "blk.0.v", "layer0.v");

        lab.RunThrough("blk.0.attention");
        AssertForms(lab, isa, "blk.0.attention", "layer0.attention");

        // The residual grows in place.
        float[] residual = Sum("embedding", "layer0.attn_output");
        lab.RunThrough("blk.0.attn_output");
        AssertReal(lab, "embedding", residual);

        lab.RunThrough("blk.0.ffn_act");
        AssertForms(lab, isa, "blk.0.ffn_norm", "layer0.ffn_norm");
        AssertForms(lab, isa, "blk.0.ffn_act", "layer0.ffn_act");

        lab.RunThrough("blk.0.ffn_down");
        AssertReal(lab, "embedding", Dump("layer0.out"));
        Assert.Equal(Dump("layer0.out"), residual.Zip(Dump("layer0.ffn_down"), (a, b) => a + b));
    }

    [SkippableTheory]
    [InlineData(CpuIsa.Scalar)]
    [InlineData(CpuIsa.Avx2)]
    [InlineData(CpuIsa.Avx512)]
    [InlineData(CpuIsa.Neon)]
    [InlineData(CpuIsa.Avx512Vnni)]
    public void LastPhase_NormAndLogits_EqualTheirDumps(CpuIsa isa)
    {
        LoadedModel.Require(isa);
        using var lab = new StageLab(Model(), isa, Ids);
        lab.RunThrough("logits");
        AssertForms(lab, isa, "output_norm", "output_norm");
        AssertReal(lab, "logits", Dump("logits"));
    }

    [Theory]
    [InlineData("layer0.attn_norm", "blk.0.attn_v.weight", "layer0.v")]
    [InlineData("layer0.attention", "blk.0.attn_output.weight", "layer0.attn_output")]
    [InlineData("layer0.ffn_norm", "blk.0.ffn_gate.weight", "layer0.ffn_gate")]
    [InlineData("layer0.ffn_norm", "blk.0.ffn_up.weight", "layer0.ffn_up")]
    [InlineData("layer0.ffn_act", "blk.0.ffn_down.weight", "layer0.ffn_down")]
    [InlineData("output_norm", "output.weight", "logits")]
    public void MatMul_OfADump_IsTheNextDump(string input, string weight, string output)
    {
        using var file = GgufFile.Open(Model());
        string name = file.TryGetTensor(weight, out _) ? weight : "token_embd.weight";
        float[] y = StageLab.MatMul(file, name, Dump(input), Rows);
        float[] expected = Dump(output);

        // Values are dumped as the cache keeps them.
        Assert.Equal(expected, output == "layer0.v" ? y.Select(v => (float)(Half)v) : y);
    }

    [Fact]
    public void GateSilu_OfDumps_IsTheNextDump()
    {
        float[] gate = Dump("layer0.ffn_gate"), up = Dump("layer0.ffn_up");
        fixed (float* g = gate, u = up)
        {
            GateLoop<Silu>.Scalar(g, u, gate.Length, null);
        }

        Assert.Equal(Dump("layer0.ffn_act"), gate);
    }

    [Theory]
    [InlineData("embedding", "blk.0.attn_norm.weight", "layer0.attn_norm")]
    [InlineData("residual", "blk.0.ffn_norm.weight", "layer0.ffn_norm")]
    public void RmsNorm_OfADump_IsTheNextDump(string input, string weight, string output)
    {
        using var file = GgufFile.Open(Model());
        float[] x = input == "residual" ? Sum("embedding", "layer0.attn_output") : Dump(input);
        float epsilon = file.Metadata.GetSingle("llama.attention.layer_norm_rms_epsilon");
        float[] gain = new float[x.Length / Rows];
        file.DecodeRow(file.GetTensor(weight), 0, gain);
        Assert.Equal(Dump(output), Norm(x, gain, epsilon));
    }

    private static float[] Norm(float[] x, float[] gain, float epsilon)
    {
        float[] y = new float[x.Length];
        fixed (float* px = x, pg = gain, py = y)
        {
            for (int row = 0; row < Rows; row++)
            {
                ReferenceRows.RmsNorm(px + (row * gain.Length), pg, py + (row * gain.Length), gain.Length, epsilon);
            }
        }

        return y;
    }

    private static void AssertReal(StageLab lab, string buffer, float[] expected)
    {
        var view = lab.View(buffer);
        int columns = expected.Length / Rows;
        for (int row = 0; row < Rows; row++)
        {
            Kernels.RandomOperands.AssertSame(expected.AsSpan(row * columns, columns), new Span<float>(view.Real(row), columns), $"{buffer} row {row}");
        }
    }

    private static void AssertHalves(StageLab lab, string buffer, string dump)
    {
        var view = lab.View(buffer);
        float[] expected = Dump(dump);
        int columns = expected.Length / Rows;
        for (int row = 0; row < Rows; row++)
        {
            float[] stored = [.. new Span<float>(view.Real(row), columns).ToArray().Select(v => (float)(Half)v)];
            Kernels.RandomOperands.AssertSame(expected.AsSpan(row * columns, columns), stored, $"{buffer} row {row}");
        }
    }

    /// <summary>The buffer holds what the kernels write for the dumped values.</summary>
    private static void AssertForms(StageLab lab, CpuIsa isa, string buffer, string dump)
    {
        var view = lab.View(buffer);
        float[] values = Dump(dump);
        int columns = view.Layout.Columns;
        Assert.Equal(columns, values.Length / Rows);
        using var expected = new Kernels.GuardedBuffer((long)view.Layout.RowBytes * Rows);
        var target = new ActivationView(expected.Data, view.Layout);
        fixed (float* x = values)
        {
            for (int row = 0; row < Rows; row++)
            {
                if (isa == CpuIsa.Scalar)
                {
                    ReferenceRows.WriteForms(x + (row * columns), target, row, 0, columns);
                }
                else
                {
                    SimdRows<Width256>.WriteForms(x + (row * columns), target, row, 0, columns);
                }

                Assert.True(new Span<byte>(view.Row(row), view.Layout.RowBytes).SequenceEqual(new Span<byte>(target.Row(row), view.Layout.RowBytes)), $"{buffer} row {row}");
            }
        }
    }

    private static float[] Sum(string a, string b) => [.. Dump(a).Zip(Dump(b), (x, y) => x + y)];

    private static float[] Dump(string name) =>
        MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(TestData.Local("golden", "stages", name + ".f32"))).ToArray();

    private static string Model() => TestData.Local("golden", "quantized", "llama-Q4_K_M.gguf");

    private static int[] ReadIds()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(TestData.Local("golden", "stages", "stages.json")));
        return [.. document.RootElement.GetProperty("ids").EnumerateArray().Select(i => i.GetInt32())];
    }
}
