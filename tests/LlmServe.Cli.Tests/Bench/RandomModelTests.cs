using FsCheck;
using FsCheck.Fluent;
using LlmServe.Cli.Models;
using LlmServe.Cpu;
using LlmServe.Gguf;
using LlmServe.Gguf.Formats;
using LlmServe.Models;
using LlmServe.Testing;
using LlmServe.Text;

namespace LlmServe.Cli.Tests.Bench;

public sealed class RandomModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(GgmlType.F32)]
    [InlineData(GgmlType.F16)]
    [InlineData(GgmlType.Q8_0)]
    [InlineData(GgmlType.Q4_0)]
    [InlineData(GgmlType.Q4_1)]
    [InlineData(GgmlType.Q4_K)]
    [InlineData(GgmlType.Q6_K)]
    public void Save_Format_CompilesAndGivesFiniteLogits(GgmlType type)
    {
        using var file = GgufFile.Open(Write(type));
        using var executor = CpuBackend.Load(file, new CpuOptions { Lanes = 1, MaxSequences = 1, MaxRowsPerTick = 8 });
        float[] last = [];

        new SequenceRunner(executor).Run([1, 2, 3], 0, 8, (_, logits) => last = logits.ToArray(), default);

        Assert.Equal(512, last.Length);
        Assert.All(last, logit => Assert.True(float.IsFinite(logit)));
        Assert.True(last.Distinct().Count() > 100, "random weights give different logits");
    }

    [Fact]
    public void Save_Weights_HaveTheDeviationOfTrainedModels()
    {
        using var file = GgufFile.Open(Write(GgmlType.Q8_0));
        var tensor = file.GetTensor("blk.1.ffn_down.weight");
        float[] row = new float[tensor.Columns];
        double squares = 0;
        for (long i = 0; i < tensor.Rows; i++)
        {
            file.DecodeRow(tensor, i, row);
            squares += row.Sum(weight => (double)weight * weight);
        }

        Assert.InRange(Math.Sqrt(squares / tensor.ElementCount), 0.95 * RandomBlocks.Deviation, 1.05 * RandomBlocks.Deviation);
    }

    [Fact]
    public void Save_Seed_DecidesTheBytes()
    {
        byte[] first = File.ReadAllBytes(Write(GgmlType.Q4_0, seed: 1));
        byte[] again = File.ReadAllBytes(Write(GgmlType.Q4_0, seed: 1));
        byte[] other = File.ReadAllBytes(Write(GgmlType.Q4_0, seed: 2));

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public void Save_UntiedModel_HasAnOutputMatrix()
    {
        string path = _folder.File("untied.gguf");
        RandomModel.Save(Plan(GgmlType.Q4_K) with { Dimensions = ModelDimensions.Named["tiny"] with { Tied = false }, EmbeddingFormat = BlockFormat.Get(GgmlType.Q6_K) }, path);

        using var file = GgufFile.Open(path);

        Assert.Equal(GgmlType.Q6_K, file.GetTensor("output.weight").Type);
        Assert.Equal(GgmlType.Q4_K, file.GetTensor("blk.0.attn_q.weight").Type);
    }

    [Fact]
    public void Dimensions_OneB_AreThoseOfLlama()
    {
        // Llama-3.2-1B has 1,235,814,400 weights, of which 33 norms of 2048 are no matrices.
        Assert.Equal(1_235_814_400 - (33 * 2048), ModelDimensions.Named["1b"].MatrixWeights);
    }

    [Fact]
    public void Problem_BlocksThatDoNotFit_NamesTheSize()
    {
        var plan = Plan(GgmlType.Q4_K) with { Dimensions = ModelDimensions.Named["135m"] };

        Assert.Contains("rows of 576", RandomModel.Problem(plan), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => RandomModel.Save(plan, _folder.File("refused.gguf")));
        Assert.False(File.Exists(_folder.File("refused.gguf")));
    }

    [Fact]
    public void Problem_EachBadSize_NamesItsOption()
    {
        var good = ModelDimensions.Named["tiny"];

        Assert.Null(good.Problem());
        Assert.Contains("--layers", (good with { Layers = 0 }).Problem(), StringComparison.Ordinal);
        Assert.Contains("--heads", (good with { KeyHeads = 3 }).Problem(), StringComparison.Ordinal);
        Assert.Contains("--head-size", (good with { HeadSize = 33 }).Problem(), StringComparison.Ordinal);
        Assert.Contains("--vocabulary", (good with { Vocabulary = 261 }).Problem(), StringComparison.Ordinal);
        Assert.Contains("--rope-base", (good with { RopeBase = float.NaN }).Problem(), StringComparison.Ordinal);
    }

    [Fact]
    public void Vocabulary_AnyText_RoundTrips()
    {
        using var file = GgufFile.Open(Write(GgmlType.Q4_0));
        var tokenizer = TokenizerFactory.Create(file.Metadata);
        Check.One(Config.QuickThrowOnFailure.WithReplay(42, 43), Prop.ForAll<string>(text =>
        {
            var ids = new List<int>();
            tokenizer.Encode(text ?? "", addSpecial: true, parseSpecial: false, ids);
            byte[] bytes = [.. ids.SelectMany(id => tokenizer.BytesOf(id).ToArray())];
            return bytes.AsSpan().SequenceEqual(System.Text.Encoding.UTF8.GetBytes(text ?? ""));
        }));
        Assert.Equal(512, tokenizer.VocabularySize);
    }

    private static RandomModelPlan Plan(GgmlType type, int seed = 1) =>
        new("random", ModelDimensions.Named["tiny"], BlockFormat.Get(type), BlockFormat.Get(type), seed);

    private string Write(GgmlType type, int seed = 1)
    {
        string path = _folder.File($"{Guid.NewGuid():N}.gguf");
        RandomModel.Save(Plan(type, seed), path);
        return path;
    }
}
