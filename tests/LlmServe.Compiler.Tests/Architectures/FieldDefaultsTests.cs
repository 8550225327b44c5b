using LlmServe.Compiler.Architectures;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Execution;
using LlmServe.Gguf;

namespace LlmServe.Compiler.Tests.Architectures;

/// <summary>What keys mean that are missing, old or odd: as the loaders of the field have it (docs/models.md).</summary>
public sealed class FieldDefaultsTests : IDisposable
{
    private readonly TestModels _models = new();

    public void Dispose() => _models.Dispose();

    [Theory]
    [InlineData(null, 4f, null, 4)]
    [InlineData(null, null, 4f, 4)]
    [InlineData("linear", null, 4f, 4)]
    [InlineData("linear", 2f, 4f, 2)]
    [InlineData("none", 4f, 4f, 1)]
    [InlineData("linear", null, null, 1)]
    [InlineData(null, 0f, null, 1)]
    [InlineData("linear", 0f, 4f, 1)]
    public void Build_LinearScaling_IsTheDefaultOfAFactorAndHasAnOldKey(string? type, float? factor, float? old, double divisor)
    {
        var plain = Angles(Build(new()));
        var plan = new TestModels.Plan();
        Set(plan, "llama.rope.scaling.type", type is null ? null : GgufValue.Of(type));
        Set(plan, "llama.rope.scaling.factor", factor is { } number ? GgufValue.Of(number) : null);
        Set(plan, "llama.rope.scale_linear", old is { } other ? GgufValue.Of(other) : null);
        Assert.Equal(plain.Select(f => f / divisor), Angles(Build(plan)));
    }

    [Fact]
    public void Build_NoBaseOfRope_TakesTenThousand() =>
        Assert.Equal(Angles(Build(new() { Metadata = { ["llama.rope.freq_base"] = GgufValue.Of(10000f) } })), Angles(Build(new())));

    [Fact]
    public void Build_NoValueLength_TakesTheWidthByTheHeads()
    {
        var graph = Build(new()
        {
            Metadata = { ["llama.attention.key_length"] = GgufValue.Of(32u) },
            Other =
            {
                ["blk.0.attn_q.weight"] = (GgmlType.F16, [256, 128]), ["blk.1.attn_q.weight"] = (GgmlType.F16, [256, 128]),
                ["blk.0.attn_k.weight"] = (GgmlType.F16, [256, 64]), ["blk.1.attn_k.weight"] = (GgmlType.F16, [256, 64]),
            },
        });
        Assert.All(graph.Operations.OfType<Attend>(), a => Assert.Equal((32, 64), (a.Shape.KeySize, a.Shape.ValueSize)));
    }

    [Fact]
    public void Build_BaseOfRopeIsZero_IsRefused() => AssertRefused(new() { Metadata = { ["llama.rope.freq_base"] = GgufValue.Of(0f) } }, "rope.freq_base");

    [Fact]
    public void Build_NoEpsilon_IsRefusedByName() =>
        AssertRefused(new() { Metadata = { ["llama.attention.layer_norm_rms_epsilon"] = null } }, "llama.attention.layer_norm_rms_epsilon");

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(-1e-5f)]
    public void Build_ImpossibleEpsilon_IsRefusedByName(float value) =>
        AssertRefused(new() { Metadata = { ["llama.attention.layer_norm_rms_epsilon"] = GgufValue.Of(value) } }, "layer_norm_rms_epsilon");

    [Fact]
    public void Build_ArrayOfEqualHeadCounts_IsTakenAsOneWithAWarning()
    {
        var source = Source(new() { Metadata = { ["llama.attention.head_count_kv"] = GgufValue.Of([2, 2]) } });
        Assert.All(ArchitectureRegistry.Build(source).Operations.OfType<Attend>(), a => Assert.Equal(2, a.Shape.KeyHeads));
        Assert.Contains("llama.attention.head_count_kv", Assert.Single(source.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Build_ArrayOfDifferentHeadCounts_IsRefused()
    {
        AssertRefused(new() { Metadata = { ["llama.attention.head_count_kv"] = GgufValue.Of([2, 4]) } }, "head_count_kv", "differs between layers");
        AssertRefused(new() { Metadata = { ["llama.attention.head_count_kv"] = GgufValue.Of(ReadOnlySpan<int>.Empty) } }, "head_count_kv");
    }

    [Theory]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.BF16)]
    public void Build_NarrowVectors_AreSeenAsF32WithOneWarning(GgmlType type)
    {
        var source = Source(new() { Other = { ["blk.0.attn_norm.weight"] = (type, [256]), ["output_norm.weight"] = (type, [256]) } });
        var graph = ArchitectureRegistry.Build(source);
        Assert.All(graph.Weights.Where(w => w.Rows == 1), w => Assert.Equal(GgmlType.F32, w.Type));
        Assert.Contains(type.ToString(), Assert.Single(source.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Build_RopeFactorsThatDivideByZero_AreRefused() =>
        AssertRefused(new() { Other = { ["rope_freqs.weight"] = (GgmlType.F16, [32]) } }, "rope_freqs.weight", "positive");

    [Fact]
    public void Build_LongerContextThanAnyoneServes_NeedsALimitAndWarns()
    {
        var plan = new TestModels.Plan { Metadata = { ["llama.context_length"] = GgufValue.Of(1u << 30) } };
        AssertRefused(plan, "llama.context_length", "1073741824");
        var source = Source(plan, 128);
        Assert.Equal(1 << 24, ArchitectureRegistry.Build(source).Shape.ContextLength);
        Assert.Contains("1073741824", Assert.Single(source.Warnings), StringComparison.Ordinal);
        Assert.Equal(128, ModelCompiler.Compile(source.File, new TestTarget(1), new CompilerOptions(ActivationMode.Int8, KvElement.F16, 1, 128)).Info.ContextLength);
    }

    [Fact]
    public void Compile_OddModel_HasItsWarnings()
    {
        var file = _models.Open(new() { Metadata = { ["llama.nonsense"] = GgufValue.Of("x") } });
        var info = ModelCompiler.Compile(file, new TestTarget(1), new CompilerOptions(ActivationMode.Int8, KvElement.F16, 1)).Info;
        Assert.Equal(["'llama.nonsense' is not known and has no effect; found 'x'"], info.Warnings);
    }

    private static void Set(TestModels.Plan plan, string key, GgufValue? value) => plan.Metadata[key] = value;

    private ModelSource Source(TestModels.Plan plan, int? context = null) => new(_models.Open(plan), context);

    private static IReadOnlyList<double> Angles(ModelGraph graph) => Assert.Single(graph.Operations.OfType<RopeTable>()).Angles.Frequencies;

    private ModelGraph Build(TestModels.Plan plan) => ArchitectureRegistry.Build(Source(plan));

    private void AssertRefused(TestModels.Plan plan, params string[] words)
    {
        var error = Assert.Throws<GgufException>(() => Build(plan));
        Assert.All(words, word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
    }
}
