using LlmServe.Cpu.Kernels;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests;

/// <summary>Weights that kernels could not treat alike on every path are refused when a model is loaded.</summary>
public class DamagedWeightsTests
{
    [SkippableTheory]
    [InlineData(CpuIsa.Avx2, 0x7c00)]
    [InlineData(CpuIsa.Avx2, 0xfe00)]
    [InlineData(CpuIsa.Avx512, 0xfc00)]
    [InlineData(CpuIsa.Neon, 0x7c00)]
    public void Load_ScaleThatIsNotFinite_NamesFileAndTensor(CpuIsa isa, int scale)
    {
        LoadedModel.Require(isa);
        string path = Path.Combine(Path.GetTempPath(), $"llmserve-damaged-{Guid.NewGuid():N}.gguf");
        byte[] bytes = File.ReadAllBytes(TestData.Local("golden", "quantized", "llama-Q4_0.gguf"));
        using (var whole = GgufFile.Open(TestData.Local("golden", "quantized", "llama-Q4_0.gguf")))
        {
            BitConverter.TryWriteBytes(bytes.AsSpan((int)whole.GetTensor("blk.1.ffn_up.weight").Offset), (ushort)scale);
        }

        File.WriteAllBytes(path, bytes);
        try
        {
            using var file = GgufFile.Open(path);
            var error = Assert.Throws<GgufException>(() =>
                CpuBackend.LoadWith(file, new CpuOptions { Isa = isa, Lanes = 1, MaxSequences = 1 }, IsaSelector.Create(isa)));

            Assert.Contains(path, error.Message);
            Assert.Contains("'blk.1.ffn_up.weight', row 0", error.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
