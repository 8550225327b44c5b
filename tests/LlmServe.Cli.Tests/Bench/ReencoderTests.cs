using LlmServe.Cli.App;
using LlmServe.Cli.Bench;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Models;
using LlmServe.Testing;

namespace LlmServe.Cli.Tests.Bench;

public sealed class ReencoderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(GgmlType.Q8_0, 0.0015)]
    [InlineData(GgmlType.Q4_0, 0.03)]
    public void Save_Quantized_StaysNearTheSource(GgmlType target, float bound)
    {
        using var source = GgufFile.Open(Write(GgmlType.F32));
        using var result = GgufFile.Open(Reencode(source, target));

        Assert.Equal(source.Tensors.Select(tensor => (tensor.Name, tensor.ElementCount)), result.Tensors.Select(tensor => (tensor.Name, tensor.ElementCount)));
        foreach (var tensor in result.Tensors)
        {
            Assert.Equal(tensor.Dimensions.Length > 1 ? target : GgmlType.F32, tensor.Type);
            float[] expected = Decode(source, tensor.Name), actual = Decode(result, tensor.Name);
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.InRange(actual[i], expected[i] - bound, expected[i] + bound);
            }
        }
    }

    [Fact]
    public void Save_ToFloats_IsExact()
    {
        using var source = GgufFile.Open(Write(GgmlType.Q4_K));
        using var result = GgufFile.Open(Reencode(source, GgmlType.F32));

        Assert.All(source.Tensors, tensor => Assert.Equal(Decode(source, tensor.Name), Decode(result, tensor.Name)));
    }

    [Fact]
    public void Save_SameFormat_KeepsTheBytes()
    {
        using var source = GgufFile.Open(Write(GgmlType.Q4_K));
        using var result = GgufFile.Open(Reencode(source, GgmlType.Q4_K));

        Assert.All(source.Tensors, tensor => Assert.Equal(source.BytesOf(tensor).ToArray(), result.BytesOf(result.GetTensor(tensor.Name)).ToArray()));
        Assert.Equal(source.Metadata.Entries.Select(entry => entry.Key), result.Metadata.Entries.Select(entry => entry.Key));
    }

    [Fact]
    public void Save_RowsThatAreNoWholeBlocks_AreRefusedByName()
    {
        using var source = GgufFile.Open(Write(GgmlType.Q8_0, ModelDimensions.Named["tiny"] with { Hidden = 160 }));

        var error = Assert.Throws<CliException>(() => Reencode(source, GgmlType.Q4_K));

        Assert.Contains("token_embd.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("rows of 160", error.Message, StringComparison.Ordinal);
    }

    private static float[] Decode(GgufFile file, string name)
    {
        var tensor = file.GetTensor(name);
        float[] weights = new float[tensor.ElementCount];
        for (int row = 0; row < tensor.Rows; row++)
        {
            file.DecodeRow(tensor, row, weights.AsSpan(row * (int)tensor.Columns, (int)tensor.Columns));
        }

        return weights;
    }

    private string Reencode(GgufFile source, GgmlType target)
    {
        string path = _folder.File($"{Guid.NewGuid():N}.gguf");
        Reencoder.Save(source, BlockFormat.Get(target), path, default);
        return path;
    }

    private string Write(GgmlType type, ModelDimensions? dimensions = null)
    {
        string path = _folder.File($"{Guid.NewGuid():N}.gguf");
        RandomModel.Save(new RandomModelPlan("random", dimensions ?? ModelDimensions.Named["tiny"], BlockFormat.Get(type), BlockFormat.Get(type), 1), path);
        return path;
    }
}
