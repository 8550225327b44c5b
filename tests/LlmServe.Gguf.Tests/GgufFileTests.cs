using LlmServe.Testing;

namespace LlmServe.Gguf.Tests;

public sealed unsafe class GgufFileTests
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

    [Fact]
    public void ReleasePages_OfAFile_KeepsWhatIsReadAfterwards()
    {
        using var file = GgufFile.Open(TestData.EmbeddedModel);
        byte[][] before = [.. file.Tensors.Take(8).Select(tensor => file.BytesOf(tensor).ToArray())];
        file.ReleasePages();
        Assert.All(file.Tensors.Take(8).Zip(before), pair => Assert.True(file.BytesOf(pair.First).SequenceEqual(pair.Second)));
    }

    [Fact]
    public unsafe void ReleasePages_OfMemory_LeavesItAlone()
    {
        byte[] bytes = File.ReadAllBytes(TestData.EmbeddedModel);
        byte[] copy = [.. bytes];
        fixed (byte* data = bytes)
        {
            using var file = GgufFile.FromMemory(data, bytes.Length, "memory.gguf");
            file.ReleasePages();
            Assert.True(bytes.AsSpan().SequenceEqual(copy));
        }
    }

    [SkippableFact]
    public void Open_EverySharedModel_CanBeReadInFull()
    {
        // Folders of this name hold what must be refused.
        string[] paths = [.. Directory.GetFiles(TestData.Shared(), "*.gguf", SearchOption.AllDirectories)
            .Where(path => !path.Split(Path.DirectorySeparatorChar).Contains("bad"))];
        Assert.NotEmpty(paths);
        foreach (string path in paths)
        {
            using var file = GgufFile.Open(path);
            Assert.NotEmpty(file.Metadata.GetString("general.architecture"));
            TestModels.TouchEverything(file);
        }
    }

    [Fact]
    public void RequireUnchanged_SymbolicLink_LooksAtTheFileBehindIt()
    {
        using var folder = new TempFolder();
        string path = folder["link.gguf"];
        File.CreateSymbolicLink(path, TestData.Local("golden", "tiny", "llama.gguf"));
        using var file = GgufFile.Open(path);

        file.RequireUnchanged();
    }

    [Fact]
    public void RequireUnchanged_FileThatChanges_SaysWhich()
    {
        using var folder = new TempFolder();
        string path = folder.Write("model.gguf", File.ReadAllBytes(TestData.Local("golden", "tiny", "llama.gguf")));
        using var file = GgufFile.Open(path);
        file.RequireUnchanged();
        var changed = File.GetLastWriteTimeUtc(path);
        AssertChanged(() => File.SetLastWriteTimeUtc(path, changed.AddSeconds(1)));
        File.SetLastWriteTimeUtc(path, changed);
        file.RequireUnchanged();
        AssertChanged(() =>
        {
            File.AppendAllText(path, "x");
            File.SetLastWriteTimeUtc(path, changed);
        });
        AssertChanged(() => File.Delete(path));

        void AssertChanged(Action change)
        {
            change();
            Assert.Contains($"{path}: the file was changed", Assert.Throws<GgufException>(file.RequireUnchanged).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Open_SmallModels_ReadAsWritten()
    {
        TestModels.Use(TestModels.Small[0], file =>
        {
            Assert.Equal(3u, file.Version);
            Assert.Equal("memory.gguf", file.Path);
            Assert.Equal(1, file.PartCount);
            Assert.Equal(["token_embd.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight"], file.Tensors.Select(tensor => tensor.Name));
            var tensor = file.GetTensor("blk.0.attn_q.weight");
            Assert.Equal((32L, 4L, 128L, 34L, 136L), (tensor.Columns, tensor.Rows, tensor.ElementCount, tensor.RowBytes, tensor.ByteLength));
            Assert.Equal(TestModels.Random(3, 136), file.BytesOf(tensor).ToArray());
            Assert.Equal(0, tensor.Offset % 32);
            Assert.True(file.Metadata.TryGetStringArray("tokenizer.ggml.tokens", out var tokens));
            Assert.Equal(new byte[] { 0xFF, 0xFE }, tokens.BytesOf(4).ToArray());
            Assert.Equal(["a", "\uFFFD", "€", "", "\uFFFD\uFFFD"], tokens);
        });
    }

    [Fact]
    public void Open_Version2_IsRead()
    {
        byte[] bytes = (byte[])TestModels.Small[0].Clone();
        bytes[4] = 2;
        TestModels.Use(bytes, file => Assert.Equal(2u, file.Version));
    }

    [Fact]
    public void GetTensor_Unknown_NamesFileAndTensor() => TestModels.Use(TestModels.Small[0], file =>
    {
        Assert.False(file.TryGetTensor("output.weight", out _));
        var error = Assert.Throws<GgufException>(() => file.GetTensor("output.weight"));
        Assert.Contains("memory.gguf", error.Message);
        Assert.Contains("'output.weight'", error.Message);
    });

    [Fact]
    public void DataOf_TensorOfAnotherFile_Throws() => TestModels.Use(TestModels.Small[0], first => TestModels.Use(TestModels.Small[0], second =>
        Assert.Throws<ArgumentException>(() => first.BytesOf(second.Tensors[0]))));

    [Fact]
    public void DataOf_AfterDispose_Throws()
    {
        using var folder = new TempFolder();
        var file = GgufFile.Open(folder.Write("a.gguf", TestModels.Small[0]));
        var tensor = file.Tensors[0];
        Assert.Equal(TestModels.Random(1, 90), file.BytesOf(tensor).ToArray());

        file.Dispose();
        file.Dispose();

        Assert.Throws<ObjectDisposedException>(() => file.BytesOf(tensor));
        Assert.Equal("llama", file.Metadata.GetString("general.architecture"));
    }

    [Fact]
    public void DecodeRow_OutOfRange_Throws() => TestModels.Use(TestModels.Small[0], file =>
    {
        float[] row = new float[32];
        Assert.Throws<ArgumentOutOfRangeException>(() => file.DecodeRow(file.Tensors[0], 5, row));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.DecodeRow(file.Tensors[0], -1, row));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.DecodeRow(file.Tensors[0], 0, row.AsSpan(1)));
    });

    [Fact]
    public void DecodeRow_TypeKnownOnlyBySize_ListsSupported() => TestModels.Use(TestModels.Small[3], file =>
    {
        var error = Assert.Throws<GgufException>(() => file.DecodeRow(file.GetTensor("e"), 0, new float[32]));
        Assert.Contains("Q8_1", error.Message);
        Assert.Contains("Q4_K", error.Message);
    });

    [Fact]
    public void Open_MissingFile_SaysSo()
    {
        using var folder = new TempFolder();
        var error = Assert.Throws<GgufException>(() => GgufFile.Open(folder["none.gguf"]));
        Assert.Contains("none.gguf", error.Message);
        Assert.Contains("cannot be opened", error.Message);
        Assert.Throws<GgufException>(() => GgufFile.Open(Path.GetDirectoryName(folder["x"])!));
    }
}
