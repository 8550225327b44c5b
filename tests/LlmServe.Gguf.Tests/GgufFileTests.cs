using LlmServe.Testing;

namespace LlmServe.Gguf.Tests;

public sealed class GgufFileTests
{
    [Fact]
    public void Open_EmbeddedModel_ListsTensorsAndMetadata()
    {
        using var file = GgufFile.Open(TestData.EmbeddedModel);

        Assert.Equal("llama", file.Metadata.GetString("general.architecture"));
        Assert.Equal(30, file.Metadata.GetInt32("llama.block_count"));
        Assert.Equal(576, file.Metadata.GetInt32("llama.embedding_length"));
        Assert.True(file.Metadata.TryGetStrings("tokenizer.ggml.tokens", out var tokens));
        Assert.Equal(49152, tokens.Count);
        Assert.Equal("<|im_start|>", tokens[1]);
        var embedding = file.GetTensor("token_embd.weight");
        Assert.Equal([576, 49152], embedding.Dimensions.ToArray());
        Assert.Equal(new FileInfo(file.Path).Length, file.Length);
        Assert.Equal(272, file.Tensors.Count);
        float[] row = new float[576];
        file.DecodeRow(embedding, 49151, row);
        Assert.All(row, value => Assert.True(MathF.Abs(value) < 10));
        Assert.Contains(row, value => value != 0);
    }
}
