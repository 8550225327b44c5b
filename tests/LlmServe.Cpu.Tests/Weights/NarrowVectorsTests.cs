using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Testing;

namespace LlmServe.Cpu.Tests.Weights;

/// <summary>Norms and RoPE factors that a file keeps as narrow floats count as the numbers that they are.</summary>
public sealed class NarrowVectorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-vectors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("llama.gguf", GgmlType.F16, null)]
    [InlineData("llama.gguf", GgmlType.BF16, CpuIsa.Scalar)]
    [InlineData("llama3-rope.gguf", GgmlType.F16, null)]
    public void Load_VectorsOfNarrowFloats_GiveTheLogitsOfTheSameNumbersInF32(string name, GgmlType type, CpuIsa? isa)
    {
        string source = TestData.Local("golden", "tiny", name);
        float[] narrow = Logits(Write(source, type, type), isa), wide = Logits(Write(source, type, GgmlType.F32), isa);

        Assert.Equal(wide, narrow);
    }

    /// <summary>A copy of the model whose vectors are rounded to one type and stored as another.</summary>
    private string Write(string source, GgmlType rounded, GgmlType stored)
    {
        using var file = GgufFile.Open(source);
        var writer = new GgufWriter();
        foreach (var (key, value) in file.Metadata.Entries)
        {
            writer.Add(key, value);
        }

        foreach (var tensor in file.Tensors)
        {
            bool isVector = tensor.Dimensions.Length == 1;
            writer.AddTensor(tensor.Name, isVector ? stored : tensor.Type, [.. tensor.Dimensions],
                isVector ? Rounded(file, tensor, rounded, stored) : file.BytesOf(tensor).ToArray());
        }

        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.gguf");
        writer.Save(path);
        return path;
    }

    private static byte[] Rounded(GgufFile file, GgufTensor vector, GgmlType rounded, GgmlType stored)
    {
        float[] numbers = new float[vector.ElementCount];
        file.DecodeRow(vector, 0, numbers);
        byte[] narrow = Encoded(numbers, rounded);
        unsafe
        {
            fixed (byte* bytes = narrow)
            fixed (float* target = numbers)
            {
                BlockFormat.Get(rounded).DecodeRow(bytes, target, numbers.Length);
            }
        }

        return Encoded(numbers, stored);
    }

    private static byte[] Encoded(float[] numbers, GgmlType type)
    {
        byte[] bytes = new byte[BlockFormat.Get(type).BytesOf(numbers.Length)];
        BlockFormat.Get(type).Encode(numbers, bytes);
        return bytes;
    }

    private static float[] Logits(string path, CpuIsa? isa)
    {
        using var model = new LoadedModel(path, new CpuOptions { Isa = isa, Lanes = 1, MaxRowsPerTick = 8, MaxSequences = 1, ContextLength = 64 });
        return LogitsRunner.Run(model.Executor, [1, 88, 262, 225, 67, 282, 99, 100], 8);
    }
}
