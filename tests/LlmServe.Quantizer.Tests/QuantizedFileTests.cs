using System.Runtime.InteropServices;
using LlmServe.Gguf;
using LlmServe.Quantizer.Recipes;

namespace LlmServe.Quantizer.Tests;

public sealed class QuantizedFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("quantizer").FullName;

    private string Target => Path.Combine(_folder, "out.gguf");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Write_AnyNumberOfThreads_GivesTheSameBytes()
    {
        using var source = GgufFile.Open(RandomModel());
        byte[]? first = null;
        foreach (int threads in (int[])[1, 2, 5])
        {
            Write(source, "Q4_K_M", threads);
            first ??= File.ReadAllBytes(Target);
            Assert.True(File.ReadAllBytes(Target).AsSpan().SequenceEqual(first));
        }
    }

    [Fact]
    public void Write_File_HasTheSourcesMetadataAndTheRecipesNumber()
    {
        using var source = GgufFile.Open(RandomModel());
        Write(source, "Q5_0");
        using var file = GgufFile.Open(Target);
        Assert.Equal(("llama", 8, 2), (file.Metadata.GetString("general.architecture"), file.Metadata.GetInt32("general.file_type"), file.Metadata.GetInt32("general.quantization_version")));
        Assert.Equal("kept", file.Metadata.GetString("own.key"));
        Assert.Equal(GgmlType.Q5_0, file.GetTensor("blk.0.attn_q.weight").Type);
        Assert.Equal(source.BytesOf(source.GetTensor("output_norm.weight")).ToArray(), file.BytesOf(file.GetTensor("output_norm.weight")).ToArray());
    }

    [Fact]
    public void Write_FileThatExists_IsKeptUnlessOverwritten()
    {
        using var source = GgufFile.Open(RandomModel());
        File.WriteAllText(Target, "mine");
        Assert.Contains("--overwrite", Assert.Throws<QuantizerException>(() => Write(source, "Q4_0", overwrite: false)).Message);
        Assert.Equal("mine", File.ReadAllText(Target));
        Write(source, "Q4_0");
        GgufFile.Open(Target).Dispose();
    }

    [Fact]
    public void Write_Cancelled_LeavesNothingBehind()
    {
        using var source = GgufFile.Open(RandomModel());
        int before = Directory.GetFiles(_folder).Length;
        using var cancellation = new CancellationTokenSource();
        var progress = new Progress(() => cancellation.Cancel());
        var plan = QuantizationPlan.Of(source, Recipe.Find("Q4_0")!, new FormatOptions());
        Assert.ThrowsAny<OperationCanceledException>(() =>
            QuantizedFile.Write(source, plan, new RowEncoder(source, 2), Target, overwrite: false, progress, cancellation.Token));
        Assert.Equal(before, Directory.GetFiles(_folder).Length);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void Write_WeightThatIsNoNumber_NamesItAndLeavesNothingBehind(float weight)
    {
        using var source = GgufFile.Open(RandomModel(weights => weights[(3 * 256) + 7] = weight));
        var error = Assert.Throws<QuantizerException>(() => Write(source, "Q4_0"));
        Assert.Contains("'blk.0.attn_q.weight', row 3, column 7", error.Message);
        Assert.Single(Directory.GetFiles(_folder));
        Write(source, "F16"); // plain numbers can be anything
    }

    [Fact]
    public void RequireNew_FolderThatIsMissing_IsNamed() =>
        Assert.Contains("nowhere", Assert.Throws<QuantizerException>(() => QuantizedFile.RequireNew(Path.Combine(_folder, "nowhere", "x.gguf"), overwrite: false)).Message);

    private void Write(GgufFile source, string recipe, int threads = 2, bool overwrite = true) => QuantizedFile.Write(
        source, QuantizationPlan.Of(source, Recipe.Find(recipe)!, new FormatOptions()), new RowEncoder(source, threads), Target, overwrite, null, CancellationToken.None);

    private string RandomModel(Action<float[]>? change = null)
    {
        var random = new Random(1);
        float[] Weights(int count) => [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() - 0.5f) * 0.1f)];
        float[] query = Weights(256 * 40);
        change?.Invoke(query);
        string path = Path.Combine(_folder, "in.gguf");
        new GgufWriter()
            .Add("general.architecture", GgufValue.Of("llama"))
            .Add("general.file_type", GgufValue.Of(0u))
            .Add("own.key", GgufValue.Of("kept"))
            .AddTensor("token_embd.weight", GgmlType.F32, [256, 300], Bytes(Weights(256 * 300)))
            .AddTensor("output_norm.weight", GgmlType.F32, [256], Bytes(Weights(256)))
            .AddTensor("blk.0.attn_q.weight", GgmlType.F32, [256, 40], Bytes(query))
            .Save(path);
        return path;
    }

    private static byte[] Bytes(float[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private sealed class Progress(Action report) : IProgress<double>
    {
        public void Report(double value) => report();
    }
}
