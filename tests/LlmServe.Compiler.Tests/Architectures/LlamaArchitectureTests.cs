using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Passes;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Tests.Architectures;

/// <summary>What a llama file becomes, and what is refused with which words.</summary>
public sealed class LlamaArchitectureTests : IDisposable
{
    private readonly TestModels _models = new();

    public void Dispose() => _models.Dispose();

    [Fact]
    public void Build_TwoLayers_EmitsOperationsInOrder()
    {
        var graph = Build(new());
        string[] layer = ["RmsNorm", "Linear", "Linear", "Linear", "Rope", "Rope", "Attention", "Linear", "Add", "RmsNorm", "Linear", "Linear", "GatedSilu", "Linear", "Add"];
        Assert.Equal(["Embed", .. layer, .. layer, "RmsNorm", "Linear"], graph.Operations.Select(o => o.GetType().Name));
        Assert.Equal("logits", graph.Logits.Name);
        Assert.Equal(384, graph.Logits.Columns);
        Assert.True(graph.Logits.Selected);
        Assert.Equal(21, graph.Weights.Count);
    }

    [Fact]
    public void Build_Shape_IsWhatMetadataSays()
    {
        var shape = Build(new() { Metadata = { ["llama.rope.freq_base"] = GgufValue.Of(500000f) } }).Shape;
        Assert.Equal((2, 256, 4, 2, 64, 512, 384, 512), (shape.Layers, shape.Width, shape.QueryHeads, shape.KeyHeads, shape.HeadSize, shape.FeedForward, shape.Vocabulary, shape.ContextLength));
        Assert.Equal(0.125f, shape.AttentionScale);
        Assert.Equal(2, shape.HeadsPerKeyHead);
        Assert.Equal(32, shape.RopeFrequencies.Count);
        Assert.Equal(Math.Pow(500000, -2.0 / 64), shape.RopeFrequencies[1], 1e-15);
    }

    [Fact]
    public void Build_NoOutputMatrix_UsesTheEmbedding()
    {
        var graph = Build(new() { OwnOutput = false });
        Assert.Equal("token_embd.weight", Assert.IsType<Linear>(graph.Operations[^1]).Matrix.Name);
        Assert.Single(graph.Weights, w => w.Name == "token_embd.weight");
    }

    [Fact]
    public void Build_NoKeyHeadCount_TakesThatOfQueries() =>
        Assert.Equal(4, Build(new() { KeyHeads = 4, Metadata = { ["llama.attention.head_count_kv"] = null } }).Shape.KeyHeads);

    [Fact]
    public void Build_LinearScaling_DividesAngles()
    {
        var plain = Build(new()).Shape;
        var scaled = Build(new() { Metadata = { ["llama.rope.scaling.type"] = GgufValue.Of("linear"), ["llama.rope.scaling.factor"] = GgufValue.Of(4f) } }).Shape;
        Assert.Equal(plain.RopeFrequencies.Select(f => f / 4), scaled.RopeFrequencies);
    }

    [Fact]
    public void Passes_Standard_LeaveOnlyFusedOperations()
    {
        var graph = PassPipeline.Run(Build(new()));
        string[] layer = ["RmsNorm", "ProjectHeads", "CachedAttention", "LinearAdd", "RmsNorm", "GatedLinear", "LinearAdd"];
        Assert.Equal(["Embed", .. layer, .. layer, "RmsNorm", "Linear"], graph.Operations.Select(o => o.GetType().Name));

        // The residual stays one value from the embedding to the last norm.
        int residual = Assert.IsType<Embed>(graph.Operations[0]).Output.Id;
        Assert.All(graph.Operations.OfType<LinearAdd>(), o => Assert.Equal(residual, o.Residual.Id));
        Assert.All(graph.Operations.OfType<RmsNorm>(), o => Assert.Equal(residual, o.Input.Id));
        Assert.Equal([0, 0, 1, 1], graph.Operations.Select(o => o is ProjectHeads h ? h.Layer : o is CachedAttention a ? a.Layer : -1).Where(l => l >= 0));
    }

    [Fact]
    public void FuseResidual_OldResidualReadLater_LeavesTheSum()
    {
        var file = _models.Open(new());
        var graph = Build(new());
        var builder = new GraphBuilder(new ModelSource(file), graph.Shape);
        var x = builder.Embed("token_embd.weight");
        var y = builder.Add(x, builder.Linear(x, "blk.0.attn_q.weight", 256, "product"), "sum");
        var z = builder.Add(x, y, "both");
        var built = builder.Build(z);
        Assert.Equal(["Embed", "Linear", "Add", "Add"], new FuseResidual().Run(built).Operations.Select(o => o.GetType().Name));
    }

    [Theory]
    [InlineData(true, 1, ActivationForms.Signed8)]
    [InlineData(true, 16, ActivationForms.Unsigned8)]
    [InlineData(false, 16, ActivationForms.Real)]
    public void ChooseActivationForms_QuantizedMatrices_GetWhatTheTargetWants(bool int8, int rows, ActivationForms expected)
    {
        var graph = new ChooseActivationForms(new TestTarget(2, int8), rows).Run(PassPipeline.Run(Build(new() { Type = GgmlType.Q4_0 })));
        Assert.Equal(expected, graph.Values.Single(v => v.Name == "blk.0.attn_norm").Forms);
        Assert.Equal(expected, graph.Values.Single(v => v.Name == "blk.1.ffn_act").Forms);
        Assert.Equal(expected, graph.Values.Single(v => v.Name == "output_norm").Forms);
        Assert.Equal(ActivationForms.Real, graph.Values.Single(v => v.Name == "embedding").Forms);
        Assert.Equal(ActivationForms.Real, graph.Values.Single(v => v.Name == "blk.0.q").Forms);
        Assert.Equal(ActivationForms.Real, graph.Logits.Forms);
    }

    [Fact]
    public void ChooseActivationForms_ReadersOfTwoFormats_GetBothForms()
    {
        var file = new TestModels.Plan { Type = GgmlType.Q4_0, Other = { ["blk.0.attn_v.weight"] = (GgmlType.Q8_0, [256, 128]), ["blk.0.attn_k.weight"] = (GgmlType.F16, [256, 128]) } };
        var graph = new ChooseActivationForms(new TestTarget(2), 1).Run(PassPipeline.Run(Build(file)));
        Assert.Equal(ActivationForms.Signed8 | ActivationForms.Signed16 | ActivationForms.Real, graph.Values.Single(v => v.Name == "blk.0.attn_norm").Forms);
    }

    [Fact]
    public void Build_UnknownArchitecture_NamesItAndTheSupportedOnes() =>
        AssertRefused(new() { Metadata = { ["general.architecture"] = GgufValue.Of("hyena") } }, "hyena", "llama");

    public static TheoryData<string, string[]> BrokenMetadata() => new()
    {
        { "llama.block_count", ["llama.block_count"] },
        { "llama.embedding_length", ["llama.embedding_length"] },
        { "llama.attention.head_count", ["llama.attention.head_count"] },
        { "llama.feed_forward_length", ["llama.feed_forward_length"] },
        { "llama.context_length", ["llama.context_length"] },
    };

    [Theory]
    [MemberData(nameof(BrokenMetadata))]
    public void Build_MetadataMissingZeroOrHuge_IsRefusedByName(string key, string[] words)
    {
        AssertRefused(new() { Metadata = { [key] = null } }, words);
        AssertRefused(new() { Metadata = { [key] = GgufValue.Of(0u) } }, words);
        AssertRefused(new() { Metadata = { [key] = GgufValue.Of(uint.MaxValue) } }, words);
        AssertRefused(new() { Metadata = { [key] = GgufValue.Of(int.MaxValue) } }, words);
        AssertRefused(new() { Metadata = { [key] = GgufValue.Of("many") } }, words);
    }

    [Theory]
    [InlineData("token_embd.weight")]
    [InlineData("blk.1.attn_norm.weight")]
    [InlineData("blk.0.attn_k.weight")]
    [InlineData("blk.1.ffn_down.weight")]
    [InlineData("output_norm.weight")]
    public void Build_TensorMissing_IsRefusedByName(string tensor) => AssertRefused(new() { Missing = { tensor } }, tensor);

    [Theory]
    [InlineData("blk.0.attn_q.weight", 256, 128)]
    [InlineData("blk.0.attn_v.weight", 128, 128)]
    [InlineData("blk.1.ffn_up.weight", 512, 256)]
    [InlineData("output_norm.weight", 128, 1)]
    public void Build_TensorOfWrongShape_IsRefusedWithBothShapes(string tensor, int columns, int rows) =>
        AssertRefused(new() { Other = { [tensor] = (GgmlType.F32, [columns, rows]) } }, tensor, $"{rows} x {columns}", "256");

    [Fact]
    public void Build_FormatWithoutDecoder_IsRefusedWithTheSupportedOnes() =>
        AssertRefused(new() { Other = { ["blk.0.attn_q.weight"] = (GgmlType.Q8_K, [256, 256]) } }, "blk.0.attn_q.weight", "Q8_K", "Q4_K");

    [Fact]
    public void Build_NormInBlocks_IsRefused() =>
        AssertRefused(new() { Other = { ["blk.0.attn_norm.weight"] = (GgmlType.Q8_0, [256]) } }, "blk.0.attn_norm.weight", "Q8_0", "F32");

    [Fact]
    public void Build_UnknownScaling_IsRefused() =>
        AssertRefused(new() { Metadata = { ["llama.rope.scaling.type"] = GgufValue.Of("yarn") } }, "rope.scaling.type", "yarn", "linear");

    [Theory]
    [InlineData(-4f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Build_ScalingFactorOrBaseNotPositive_IsRefused(float value)
    {
        AssertRefused(new() { Metadata = { ["llama.rope.scale_linear"] = GgufValue.Of(value) } }, "rope.scale_linear");
        AssertRefused(new() { Metadata = { ["llama.rope.scaling.type"] = GgufValue.Of("linear"), ["llama.rope.scaling.factor"] = GgufValue.Of(value) } }, "rope.scaling.factor");
        AssertRefused(new() { Metadata = { ["llama.rope.freq_base"] = GgufValue.Of(value) } }, "rope.freq_base");
    }

    [Fact]
    public void Build_HeadsThatDoNotFit_AreRefused()
    {
        AssertRefused(new() { Metadata = { ["llama.attention.head_count_kv"] = GgufValue.Of(3u) } }, "head_count_kv 3", "4");
        AssertRefused(new() { Metadata = { ["llama.attention.value_length"] = GgufValue.Of(32u) } }, "value_length 32", "64");
        AssertRefused(new() { Metadata = { ["llama.attention.key_length"] = GgufValue.Of(20u) } }, "20", "multiple of 8");
        AssertRefused(new() { Metadata = { ["llama.rope.dimension_count"] = GgufValue.Of(66u) } }, "dimension_count 66", "64");
        AssertRefused(new() { Metadata = { ["llama.rope.dimension_count"] = GgufValue.Of(31u) } }, "dimension_count 31");
    }

    [Fact]
    public void Build_RopeFactorsOfWrongLength_AreRefused() =>
        AssertRefused(new() { Other = { ["rope_freqs.weight"] = (GgmlType.F32, [16]) } }, "rope_freqs.weight", "16", "32");

    private ModelGraph Build(TestModels.Plan plan)
    {
        var file = _models.Open(plan);
        return ArchitectureRegistry.Build(new ModelSource(file));
    }

    private void AssertRefused(TestModels.Plan plan, params string[] words)
    {
        var file = _models.Open(plan);
        var error = Assert.Throws<GgufException>(() => ArchitectureRegistry.Build(new ModelSource(file)));
        Assert.All([Path.GetFileName(file.Path), .. words], word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }
}
