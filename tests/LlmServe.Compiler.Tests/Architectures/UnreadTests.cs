using LlmServe.Compiler.Architectures;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Tests.Architectures;

/// <summary>Whatever a file holds and the graph does not read is refused, ignored by a written rule, or warned of: never silent.</summary>
public sealed class UnreadTests : IDisposable
{
    private readonly TestModels _models = new();

    public void Dispose() => _models.Dispose();

    [Theory]
    [InlineData("blk.1.attn_sub_norm.weight")]
    [InlineData("blk.0.attn_q_norm.weight")]
    [InlineData("blk.0.attn_norm.bias")]
    [InlineData("blk.0.attn_sinks.weight")]
    [InlineData("blk.0.layer_output_scale.weight")]
    [InlineData("blk.0.ffn_gate_inp.weight")]
    [InlineData("output.bias")]
    [InlineData("output_norm.bias")]
    [InlineData("token_embd_norm.weight")]
    [InlineData("rope_factors_long.weight")]
    [InlineData("anything at all")]
    public void Build_TensorThatIsNotRead_IsRefusedByName(string tensor) =>
        AssertRefused(new() { Other = { [tensor] = (GgmlType.F32, [256]) } }, $"'{tensor}'", "not supported");

    [Fact]
    public void Build_LayersBeyondTheCount_AreRefusedByNameAndNumber() =>
        AssertRefused(new() { Layers = 3, Metadata = { ["llama.block_count"] = GgufValue.Of(2u) } }, "'blk.2.attn_norm.weight' (and 8 more)");

    [Theory]
    [InlineData("blk.0.attn_rot_embd.weight")]
    [InlineData("blk.1.ffn_down.input_scale")]
    [InlineData("cls.output.weight")]
    [InlineData("dense_2.weight")]
    public void Build_TensorWithoutEffect_IsIgnored(string tensor) =>
        Assert.Empty(Build(new() { Other = { [tensor] = (GgmlType.F32, [256]) } }).Warnings);

    public static TheoryData<string, GgufValue> KeysThatChangeTheResult() => new()
    {
        { "expert_count", GgufValue.Of(8u) },
        { "attention.clamp_kqv", GgufValue.Of(8f) },
        { "attention.scale", GgufValue.Of(0.1f) },
        { "attention.causal", GgufValue.Of(false) },
        { "attention.sliding_window", GgufValue.Of(128u) },
        { "attn_logit_softcapping", GgufValue.Of(50f) },
        { "final_logit_softcapping", GgufValue.Of(30f) },
        { "logit_scale", GgufValue.Of(16f) },
        { "nextn_predict_layers", GgufValue.Of(1u) },
        { "attention.recurrent_layers", GgufValue.Of([0, 1]) },
        { "embedding_scale", GgufValue.Of("twelve") },
    };

    [Theory]
    [MemberData(nameof(KeysThatChangeTheResult))]
    public void Build_KeyThatChangesTheResult_IsRefusedWithWhatIsAllowed(string key, GgufValue value) =>
        AssertRefused(new() { Metadata = { [$"llama.{key}"] = value } }, $"llama.{key} is {value}", "allowed:");

    public static TheoryData<string, GgufValue> KeysThatChangeNothing() => new()
    {
        { "expert_count", GgufValue.Of(0u) },
        { "expert_used_count", GgufValue.Of(2u) },
        { "expert_weights_scale", GgufValue.Of(2.5f) },
        { "rope.scaling.attn_factor", GgufValue.Of(1f) },
        { "attention.causal", GgufValue.Of(true) },
        { "attention.sliding_window", GgufValue.Of(0u) },
        { "attention.sliding_window", GgufValue.Of(512u) },
        { "attention.recurrent_layers", GgufValue.Of([0, 0]) },
        { "logit_scale", GgufValue.Of(1f) },
        { "vocab_size", GgufValue.Of(384u) },
    };

    [Theory]
    [MemberData(nameof(KeysThatChangeNothing))]
    public void Build_KeyThatChangesNothing_IsTakenInSilence(string key, GgufValue value) =>
        Assert.Empty(Build(new() { Metadata = { [$"llama.{key}"] = value } }).Warnings);

    [Fact]
    public void Build_WindowAsLongAsTheContextServed_ChangesNothing()
    {
        var source = new ModelSource(_models.Open(new() { Metadata = { ["llama.attention.sliding_window"] = GgufValue.Of(128u) } }), 128);
        ArchitectureRegistry.Build(source);
        Assert.Empty(source.Warnings);
    }

    [Fact]
    public void Build_KeyOfAnotherFamily_IsNobodysBusiness() =>
        Assert.Empty(Build(new() { Metadata = { ["mistral.attention.scale"] = GgufValue.Of(1f), ["general.quantized_by"] = GgufValue.Of("x") } }).Warnings);

    [Fact]
    public void Build_UnknownKey_IsWarnedOfWithItsValue() =>
        Assert.Equal(["'llama.future' is not known and has no effect; found 3"], Build(new() { Metadata = { ["llama.future"] = GgufValue.Of(3u) } }).Warnings);

    private ModelSource Build(TestModels.Plan plan)
    {
        var source = new ModelSource(_models.Open(plan));
        ArchitectureRegistry.Build(source);
        return source;
    }

    private void AssertRefused(TestModels.Plan plan, params string[] words)
    {
        var error = Assert.Throws<GgufException>(() => Build(plan));
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }
}
