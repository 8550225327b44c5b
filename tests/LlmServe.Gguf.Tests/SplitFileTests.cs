namespace LlmServe.Gguf.Tests;

public sealed class SplitFileTests
{
    [Fact]
    public void Open_FirstOfThreeParts_MapsAll()
    {
        using var folder = new TempFolder();
        string[] paths = WriteParts(folder, 3);

        using var file = GgufFile.Open(paths[0]);

        Assert.Equal(3, file.PartCount);
        Assert.Equal(["t0", "t1", "t2"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([0, 1, 2], file.Tensors.Select(tensor => tensor.Part));
        Assert.Equal(paths.Sum(path => new FileInfo(path).Length), file.Length);
        Assert.All(file.Tensors, (tensor, i) => Assert.Equal(TestModels.Random(i, 64), file.BytesOf(tensor).ToArray()));
        Assert.Equal("split", file.Metadata.GetString("general.name"));
    }

    [Fact]
    public void Open_FirstOfOnePart_IsAnOrdinaryFile()
    {
        using var folder = new TempFolder();
        using var file = GgufFile.Open(WriteParts(folder, 1)[0]);
        Assert.Equal(1, file.PartCount);
    }

    [Fact]
    public void Open_LaterPart_SaysToOpenTheFirst()
    {
        using var folder = new TempFolder();
        string[] paths = WriteParts(folder, 3);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(paths[1]));
        Assert.Contains("part 2 of 3", error.Message);
        Assert.Contains(paths[0], error.Message);
    }

    [Fact]
    public void Open_PartMissing_NamesIt()
    {
        using var folder = new TempFolder();
        string[] paths = WriteParts(folder, 3);
        File.Delete(paths[2]);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(paths[0]));
        Assert.Contains(paths[2], error.Message);
        Assert.Contains("part 3 of 3", error.Message);
    }

    [Fact]
    public void Open_FirstPartRenamed_SaysWhichNameIsNeeded()
    {
        using var folder = new TempFolder();
        string renamed = folder["model.gguf"];
        File.Move(WriteParts(folder, 3)[0], renamed);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(renamed));
        Assert.Contains("-00001-of-00003.gguf", error.Message);
    }

    [Theory]
    [InlineData(0, 3, 3, "split.no")]
    [InlineData(1, 2, 3, "split.count")]
    [InlineData(1, 3, 4, "split.tensors.count")]
    public void Open_PartsThatDoNotBelongTogether_NamesTheKey(int number, int count, int tensors, string key)
    {
        using var folder = new TempFolder();
        string[] paths = WriteParts(folder, 3);
        Part(1, "t1", number, count, tensors).Save(paths[1]);
        Part(0, "t0", 0, 3, tensors).Save(paths[0]);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(paths[0]));
        Assert.Contains($"'{key}'", error.Message);
    }

    [Fact]
    public void Open_SameTensorInTwoParts_NamesTensorAndPart()
    {
        using var folder = new TempFolder();
        string[] paths = WriteParts(folder, 2);
        Part(1, "t0", 1, 2, 2).Save(paths[1]);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(paths[0]));
        Assert.StartsWith(paths[1], error.Message);
        Assert.Contains("'t0'", error.Message);
    }

    [Fact]
    public void Open_DamagedLaterPart_NamesThatPart()
    {
        using var folder = new TempFolder();
        string[] paths = WriteParts(folder, 2);
        File.WriteAllBytes(paths[1], File.ReadAllBytes(paths[1])[..^40]);
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(paths[0]));
        Assert.StartsWith(paths[1], error.Message);
        Assert.Contains("truncated", error.Message);
    }

    private static string[] WriteParts(TempFolder folder, int count)
    {
        string[] paths = [.. Enumerable.Range(1, count).Select(i => folder[$"model-{i:D5}-of-{count:D5}.gguf"])];
        for (int i = 0; i < count; i++)
        {
            Part(i, $"t{i}", i, count, count).Save(paths[i]);
        }

        return paths;
    }

    private static GgufWriter Part(int seed, string tensor, int number, int count, int tensors) => new GgufWriter()
        .Add("general.name", GgufValue.Of("split"))
        .Add("split.no", GgufValue.Of((ushort)number))
        .Add("split.count", GgufValue.Of((ushort)count))
        .Add("split.tensors.count", GgufValue.Of(tensors))
        .AddTensor(tensor, GgmlType.F32, [16], TestModels.Random(seed, 64));
}
