using LlmServe.Compiler.Operations;
using LlmServe.Execution;
using LlmServe.Gguf;
using LlmServe.Testing;

namespace LlmServe.Compiler.Tests;

public sealed class ModelCompilerTests : IDisposable
{
    private static readonly CompilerOptions Options = new(ActivationMode.Int8, KvElement.F16, 8);

    private readonly TestModels _models = new();

    public void Dispose() => _models.Dispose();

    [Theory]
    [InlineData(1, new[] { 1 })]
    [InlineData(2, new[] { 1, 2 })]
    [InlineData(5, new[] { 1, 2, 4, 5 })]
    [InlineData(64, new[] { 1, 2, 4, 8, 16, 32, 64 })]
    [InlineData(100, new[] { 1, 2, 4, 8, 16, 32, 64, 100 })]
    public void Buckets_AnyLimit_ArePowersOfTwoAndTheLimit(int most, int[] expected) => Assert.Equal(expected, ModelCompiler.Buckets(most));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Buckets_NoRows_Throws(int most) => Assert.Throws<ArgumentOutOfRangeException>(() => ModelCompiler.Buckets(most));

    [Fact]
    public void ProgramFor_AnyRows_IsTheSmallestThatTakesThem()
    {
        var compiled = Compile(new());
        Assert.Equal([1, 2, 4, 4, 8, 8, 8, 8], Enumerable.Range(1, 8).Select(rows => compiled.ProgramFor(rows).Rows));
    }

    [Fact]
    public void Compile_ContextAskedFor_IsAtMostTheModels()
    {
        Assert.Equal(512, Compile(new()).Info.ContextLength);
        Assert.Equal(100, Compile(new(), Options with { ContextLength = 100 }).Info.ContextLength);
        Assert.Equal(512, Compile(new(), Options with { ContextLength = 100_000 }).Info.ContextLength);
    }

    [Fact]
    public void Compile_WeightBytes_AreThoseOfAllMatricesButTheTable()
    {
        var compiled = Compile(new() { Type = GgmlType.Q4_0 });
        long expected = compiled.Weights.Where(w => w.Rows > 1 && w.Name != "token_embd.weight").Sum(w => w.Bytes);
        Assert.All(compiled.Programs, p => Assert.Equal(expected, p.WeightBytes, expected / 1000));
    }

    [Fact]
    public void Compile_PhasesPerLayer_AreSixWithRepeatedNormsAndEightWithSharedOnes()
    {
        var compiled = Compile(new());
        Assert.Equal(1 + (6 * 2) + 1, compiled.ProgramFor(1).Phases.Count);
        Assert.Equal(1 + (8 * 2) + 1, compiled.ProgramFor(8).Phases.Count);
    }

    /// <summary>As a backend for graphics processors asks for: one lane a multiprocessor.</summary>
    [Fact]
    public void Compile_ManyLanes_GivesSoundPrograms()
    {
        using var file = GgufFile.Open(TestData.EmbeddedModel);
        var compiled = ModelCompiler.Compile(file, new TestTarget(132), Options with { MaxRows = 256 });
        Assert.Equal(9, compiled.Programs.Count);
        Assert.All(compiled.Programs, p => Assert.Equal(132, p.Lanes));
    }

    [Fact]
    public void Compile_CacheIn8Bits_StoresWholeRunsOnALane()
    {
        var file = _models.Open(new() { Type = GgmlType.Q4_0 });
        for (int lanes = 1; lanes <= 5; lanes++)
        {
            var programs = ModelCompiler.Compile(file, new TestTarget(lanes), Options with { Kv = KvElement.Q8_0 }).Programs;
            var stores = programs.SelectMany(p => p.Phases).SelectMany(p => p.Lanes).SelectMany(l => l).Where(i => i.Opcode == Opcodes.Store).ToArray();
            Assert.NotEmpty(stores);
            Assert.All(stores, i => Assert.Equal((0, 0), (i.Begin % KvBlock.ScaledRun, i.End % KvBlock.ScaledRun)));
        }
    }

    [Fact]
    public void Compile_CacheIn8BitsWithSmallHeads_SaysWhatFits()
    {
        var error = Assert.Throws<GgufException>(() => Compile(new() { QueryHeads = 16, KeyHeads = 8 }, Options with { Kv = KvElement.Q8_0 }));
        Assert.Contains("multiple of 32", error.Message, StringComparison.Ordinal);
        Assert.Contains("have 16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Identity_SameFileAndModes_IsEqual()
    {
        Assert.Equal(Id(new()), Id(new()));
        Assert.Equal(64, Id(new()).Length);
        Assert.Equal(Id(new()), Id(new(), Options with { MaxRows = 4, ContextLength = 64 }));
    }

    [Fact]
    public void Identity_OtherModes_Differs()
    {
        string id = Id(new());
        Assert.NotEqual(id, Id(new(), Options with { Activations = ActivationMode.F32 }));
        Assert.NotEqual(id, Id(new(), Options with { Kv = KvElement.F32 }));
        Assert.NotEqual(id, Id(new(), Options with { Kv = KvElement.Q8_0 }));
    }

    [Theory]
    [InlineData("blk.0.attn_q.weight", 0)]
    [InlineData("blk.1.ffn_down.weight", (256 * 512 * 2) - 1)]
    [InlineData("output_norm.weight", 513)]
    [InlineData("token_embd.weight", 4095)]
    public void Identity_ChangedWeightByte_Differs(string tensor, int offset) => Assert.NotEqual(Id(new()), Id(new() { Changed = (tensor, offset) }));

    [Fact]
    public void Identity_OtherFormatOrShape_Differs()
    {
        Assert.NotEqual(Id(new() { Type = GgmlType.F16 }), Id(new() { Type = GgmlType.BF16 }));
        Assert.NotEqual(Id(new()), Id(new() { FeedForward = 256 }));
    }

    [Fact]
    public void Identity_OtherConstantOfTheModel_Differs()
    {
        string id = Id(new());
        Assert.NotEqual(id, Id(new() { Metadata = { ["llama.rope.freq_base"] = GgufValue.Of(20000f) } }));
        Assert.NotEqual(id, Id(new() { Metadata = { ["llama.attention.layer_norm_rms_epsilon"] = GgufValue.Of(1e-6f) } }));
        Assert.Equal(id, Id(new() { Metadata = { ["general.name"] = GgufValue.Of("another") } }));
    }

    private CompiledModel Compile(TestModels.Plan plan, CompilerOptions? options = null) =>
        ModelCompiler.Compile(_models.Open(plan), new TestTarget(3), options ?? Options);

    private string Id(TestModels.Plan plan, CompilerOptions? options = null) => Compile(plan, options).Info.ProgramId;
}
