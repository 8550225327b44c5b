using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Compiler.Passes;
using LlmServe.Compiler.Programs;
using LlmServe.Execution;
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
        string[] layer = ["Norm", "Linear", "Linear", "Linear", "Rope", "Rope", "Store", "Store", "Attend", "Linear", "Add", "Norm", "Linear", "Linear", "Gate", "Linear", "Add"];
        Assert.Equal(["Embed", "RopeTable", .. layer, .. layer, "SelectRows", "Norm", "Linear"], graph.Operations.Select(o => o.GetType().Name));
        Assert.Equal([("logits", 384, true), ("hidden", 256, true)], graph.Outputs.Select(o => (o.Name, o.Value.Columns, o.Value.Rows.Selected)));
        Assert.Equal([0, 1], graph.Boundaries.Select((x, layer) => graph.Operations.OfType<Norm>().Count(n => n.Input == x && n.Output.Name == $"blk.{layer}.attn_norm") - 1 + layer));
        Assert.Equal(21, graph.Weights.Count);
    }

    [Fact]
    public void Build_Shape_IsWhatMetadataSays()
    {
        var graph = Build(new() { Metadata = { ["llama.rope.freq_base"] = GgufValue.Of(500000f) } });
        var shape = graph.Shape;
        Assert.Equal((2, 256, 384, 512), (shape.Layers, shape.Width, shape.Vocabulary, shape.ContextLength));
        var attention = Assert.Single(graph.Operations.OfType<Attend>().Select(a => a.Shape).Distinct());
        Assert.Equal((4, 2, 64, 64, 0.125f, 2), (attention.QueryHeads, attention.KeyHeads, attention.KeySize, attention.ValueSize, attention.Scale, attention.HeadsPerKeyHead));
        Assert.True(attention.Visibility.IsAll);
        var angles = Angles(graph);
        Assert.Equal(32, angles.Count);
        Assert.Equal(Math.Pow(500000, -2.0 / 64), angles[1], 1e-15);
    }

    [Fact]
    public void Build_NoOutputMatrix_UsesTheEmbedding()
    {
        var graph = Build(new() { OwnOutput = false });
        var table = Assert.IsType<Linear>(graph.Operations[^1]).Matrix;
        Assert.Equal("token_embd.weight", table.Name);
        Assert.Equal(WeightUse.Matrix | WeightUse.Table, table.Use);
        Assert.Single(graph.Weights, w => w.Name == "token_embd.weight");
    }

    [Fact]
    public void Build_NoKeyHeadCount_TakesThatOfQueries() =>
        Assert.All(Build(new() { KeyHeads = 4, Metadata = { ["llama.attention.head_count_kv"] = null } }).Operations.OfType<Attend>(), a => Assert.Equal(4, a.Shape.KeyHeads));

    [Fact]
    public void Build_LinearScaling_DividesAngles()
    {
        var plain = Angles(Build(new()));
        var scaled = Angles(Build(new() { Metadata = { ["llama.rope.scaling.type"] = GgufValue.Of("linear"), ["llama.rope.scaling.factor"] = GgufValue.Of(4f) } }));
        Assert.Equal(plain.Select(f => f / 4), scaled);
    }

    [Fact]
    public void Passes_Standard_FuseWhatTheyCan()
    {
        var graph = PassPipeline.Run(Build(new()), after: (pass, graph) => Assert.Empty(GraphVerifier.Verify(graph)));
        string[] layer = ["Norm", "JointLinear", "Rope", "Rope", "Store", "Store", "Attend", "LinearAdd", "Norm", "GatedLinear", "LinearAdd"];
        Assert.Equal(["Embed", "RopeTable", .. layer, .. layer, "Norm", "Linear"], graph.Operations.Select(o => o.GetType().Name));
    }

    /// <summary>The residual stands in one buffer from the embedding to the last norm.</summary>
    [Fact]
    public void Program_Residual_StaysWhereItIs()
    {
        var program = ProgramBuilder.Build(PassPipeline.Run(Build(new())), new TestTarget(2), 8, 512, KvElement.F16);
        Instruction[] all = [.. program.Phases.SelectMany(p => p.Lanes).SelectMany(l => l)];
        int residual = all.First(i => i.Opcode == Opcodes.Embed).Output;
        Assert.All(all.Where(i => i.Opcode == Opcodes.MatMulAdd), i => Assert.Equal(residual, i.Output));
        Assert.All(all.Where(i => i.Opcode == Opcodes.Norm), i => Assert.Equal(residual, i.Input));
    }

    [Fact]
    public void FuseResidual_OldResidualReadLater_LeavesTheSum()
    {
        var file = _models.Open(new());
        var graph = Build(new());
        var builder = new GraphBuilder(new ModelSource(file), graph.Shape);
        var x = builder.Embed("token_embd.weight");
        var y = builder.Add(x, builder.Linear(x, builder.Matrix("blk.0.attn_q.weight", 256, 256), "product"), "sum");
        var z = builder.Add(x, y, "both");
        var built = builder.Build(("z", z));
        Assert.Equal(["Embed", "Linear", "Add", "Add"], new FuseResidual().Run(built).Operations.Select(o => o.GetType().Name));
    }

    [Theory]
    [InlineData(true, 1, TestTarget.Signed8)]
    [InlineData(true, 16, TestTarget.Unsigned8)]
    [InlineData(false, 16, ActivationForms.Real)]
    public void ChooseActivationForms_QuantizedMatrices_GetWhatTheTargetWants(bool int8, int rows, ActivationForms expected)
    {
        var (graph, forms) = ActivationFormChooser.Choose(PassPipeline.Run(BuildForLogits(new() { Type = GgmlType.Q4_0 })), new TestTarget(2, int8), rows);
        Assert.Equal(expected, forms[graph.Values.Single(v => v.Name == "blk.0.attn_norm").Id]);
        Assert.Equal(expected, forms[graph.Values.Single(v => v.Name == "blk.1.ffn_act").Id]);
        Assert.Equal(expected, forms[graph.Values.Single(v => v.Name == "output_norm").Id]);
        Assert.Equal(ActivationForms.Real, forms[graph.Values.Single(v => v.Name == "embedding").Id]);
        Assert.Equal(ActivationForms.Real, forms[graph.Values.Single(v => v.Name == "blk.0.q").Id]);
        Assert.Equal(ActivationForms.Real, forms[graph.Outputs[0].Value.Id]);
    }

    [Fact]
    public void ChooseActivationForms_ReadersOfTwoFormats_GetBothForms()
    {
        var file = new TestModels.Plan { Type = GgmlType.Q4_0, Other = { ["blk.0.attn_v.weight"] = (GgmlType.Q8_0, [256, 128]), ["blk.0.attn_k.weight"] = (GgmlType.F16, [256, 128]) } };
        var (graph, forms) = ActivationFormChooser.Choose(PassPipeline.Run(BuildForLogits(file)), new TestTarget(2), 1);
        Assert.Equal(TestTarget.Signed8 | TestTarget.Signed16 | ActivationForms.Real, forms[graph.Values.Single(v => v.Name == "blk.0.attn_norm").Id]);
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
        AssertRefused(new() { Metadata = { ["llama.rope.scaling.type"] = GgufValue.Of("dynamic") } }, "rope.scaling.type", "dynamic", "linear");

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
        AssertRefused(new() { Metadata = { ["llama.attention.value_length"] = GgufValue.Of(32u) } }, "attn_v", "64 x 256");
        AssertRefused(new() { Metadata = { ["llama.attention.key_length"] = GgufValue.Of(20u) } }, "20", "multiple of 8");
        AssertRefused(new() { Metadata = { ["llama.rope.dimension_count"] = GgufValue.Of(66u) } }, "dimension_count 66", "64");
        AssertRefused(new() { Metadata = { ["llama.rope.dimension_count"] = GgufValue.Of(31u) } }, "dimension_count 31");
    }

    [Fact]
    public void Build_RopeFactorsOfWrongLength_AreRefused() =>
        AssertRefused(new() { Other = { ["rope_freqs.weight"] = (GgmlType.F32, [16]) } }, "rope_freqs.weight", "16", "32");

    private static IReadOnlyList<double> Angles(ModelGraph graph) => Assert.Single(graph.Operations.OfType<RopeTable>()).Angles.Frequencies;

    private ModelGraph BuildForLogits(TestModels.Plan plan) => LayerCutter.Cut(Build(plan), null, [TickOutputs.Logits]);

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
