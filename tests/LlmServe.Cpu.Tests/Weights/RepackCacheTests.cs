using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels;
using LlmServe.Cpu.Weights;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Tests.Weights;

/// <summary>Kept weights are the repacked ones bit for bit, or they are not used.</summary>
public sealed class RepackCacheTests : IDisposable
{
    private const string Model = "llama-q4_k_m int8 f16";

    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-repack-").FullName;
    private readonly ConcurrentQueue<string> _notes = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public void Load_SecondTime_ReadsTheKeptWeights()
    {
        byte[] packed = Packed(null);
        byte[] first = Packed(Options());
        long changed = File.GetLastWriteTimeUtc(KeptFile).Ticks;
        byte[] kept = File.ReadAllBytes(KeptFile);

        var steps = new ConcurrentQueue<string>();
        byte[] second = Packed(Options(), new Recorder(steps));

        Assert.Equal(packed, first);
        Assert.Equal(packed, second);
        Assert.All(steps, step => Assert.Equal("reading repacked weights", step));
        Assert.NotEmpty(steps);
        Assert.True(File.GetLastWriteTimeUtc(KeptFile).Ticks >= changed);
        Assert.Equal(packed, kept[RepackedHeader.PageBytes..]);
        Assert.Empty(_notes);
    }

    [SkippableFact]
    public void Run_KeptWeights_GiveTheSameBits()
    {
        var golden = GoldenBits.Named(Model);
        LoadedModel.RequireVectors();
        for (int start = 0; start < 2; start++)
        {
            using var file = GgufFile.Open(golden.Path);
            using var executor = CpuBackend.Load(file, CpuOptions(Options()));

            Assert.Equal(golden.Sha256, LogitsRunner.Digest(LogitsRunner.Run(executor, golden.Ids, chunk: 7)));
        }

        Assert.Empty(_notes);
    }

    [SkippableFact]
    public void Load_DamageAnywhere_IsNoticedAndRepaired()
    {
        byte[] packed = Packed(Options());
        byte[] whole = File.ReadAllBytes(KeptFile);
        var damage = from position in Gen.OneOf(Gen.Choose(0, 103), Gen.Choose(0, whole.Length - 1))
                     from value in Gen.Choose(1, 255)
                     select (position, value);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(40).WithReplay(29, 31), Prop.ForAll(damage.ToArbitrary(), hit =>
        {
            byte[] damaged = [.. whole];
            damaged[hit.position] ^= (byte)hit.value;
            File.WriteAllBytes(KeptFile, damaged);
            _notes.Clear();

            Assert.Equal(packed, Packed(Options()));
            Assert.Contains("the weights are repacked anew", Assert.Single(_notes));
            Assert.Equal(packed, File.ReadAllBytes(KeptFile)[RepackedHeader.PageBytes..]);
        }));
    }

    [SkippableTheory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(20000)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void Load_WrongLength_IsRepaired(int length)
    {
        byte[] packed = Packed(Options());
        byte[] whole = File.ReadAllBytes(KeptFile);
        File.WriteAllBytes(KeptFile, length switch { -1 => whole[..^1], int.MaxValue => [.. whole, 0], _ => whole[..length] });

        Assert.Equal(packed, Packed(Options()));
        Assert.Contains($"not {whole.Length}", Assert.Single(_notes));
        Assert.Equal(whole.Length, new FileInfo(KeptFile).Length);
    }

    [SkippableFact]
    public void Load_FileOfAnotherModel_IsNotTaken()
    {
        byte[] packed = Packed(Options());
        string name = KeptFile;
        File.Delete(name);
        Packed(Options(), model: "llama-q4_k_s int8 f16");
        File.Move(KeptFile, name);

        Assert.Equal(packed, Packed(Options()));
        Assert.Single(_notes);
    }

    [SkippableFact]
    public void Load_ModelChangedBetweenItsSamples_IsRepacked()
    {
        string copy = Path.Combine(_folder, "model.gguf");
        byte[] bytes = File.ReadAllBytes(GoldenBits.Named(Model).Path);
        File.WriteAllBytes(copy, bytes);
        byte[] before = Packed(Options(), path: copy);
        using (var file = GgufFile.Open(copy))
        {
            var tensor = file.GetTensor("blk.0.ffn_up.weight");
            Assert.True(tensor.ByteLength > 4 * 4096);
            long block = tensor.ByteLength / 2 / tensor.Format.BlockBytes;
            bytes[tensor.Offset + ((block + 1) * tensor.Format.BlockBytes) - 1] ^= 1;
        }

        string changed = Path.Combine(_folder, "changed.gguf");
        File.WriteAllBytes(changed, bytes);
        byte[] after = Packed(Options(), path: changed);

        Assert.NotEqual(before, after);
        Assert.Equal(Packed(null, path: changed), after);
        Assert.Single(Directory.GetFiles(_folder, $"*{RepackCache.Suffix}"));
        Assert.Empty(_notes);
    }

    [SkippableFact]
    public void Load_ModelMoved_FindsItsWeights()
    {
        string here = Path.Combine(_folder, "here.gguf");
        File.Copy(GoldenBits.Named(Model).Path, here);
        byte[] packed = Packed(Options(), path: here);
        string there = Path.Combine(_folder, "there.gguf");
        File.Move(here, there);

        var steps = new ConcurrentQueue<string>();
        Assert.Equal(packed, Packed(Options(), new Recorder(steps), path: there));
        Assert.DoesNotContain("repacking weights", steps);
    }

    [SkippableFact]
    public async Task Load_ManyAtOnce_AllGetTheWeights()
    {
        byte[] packed = Packed(null);

        byte[][] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Packed(Options()))));

        Assert.All(all, one => Assert.Equal(packed, one));
        Assert.Equal(packed, File.ReadAllBytes(KeptFile)[RepackedHeader.PageBytes..]);
        Assert.Single(Directory.GetFiles(_folder));
    }

    [SkippableFact]
    public void Load_FolderThatIsAFile_GoesOnInTheNext()
    {
        string blocked = Path.Combine(_folder, "file");
        File.WriteAllText(blocked, "");
        var options = Options() with { Folders = [blocked, _folder] };

        Assert.Equal(Packed(null), Packed(options));
        Assert.True(File.Exists(KeptFile));
        Assert.Empty(_notes);
    }

    [SkippableFact]
    public void Load_NoFolderTakesThem_GoesOnWithANote()
    {
        string blocked = Path.Combine(_folder, "file");
        File.WriteAllText(blocked, "");

        Assert.Equal(Packed(null), Packed(Options() with { Folders = [blocked] }));
        Assert.StartsWith("the repacked weights are not kept for the next start: ", Assert.Single(_notes));
    }

    [SkippableFact]
    public void Load_LargerThanTheLimit_IsNotKept()
    {
        Packed(Options() with { MostBytes = 10000 });

        Assert.Empty(Directory.GetFiles(_folder));
        Assert.Contains("the cache may take 10000", Assert.Single(_notes));
    }

    [SkippableFact]
    public void Load_LimitReached_DeletesTheLeastRecentlyUsed()
    {
        Packed(Options());
        long size = new FileInfo(KeptFile).Length;
        File.SetLastWriteTimeUtc(KeptFile, DateTime.UtcNow.AddHours(-1));
        string older = Path.Combine(_folder, $"older{RepackCache.Suffix}");
        File.WriteAllText(older, "x");
        File.SetLastWriteTimeUtc(older, DateTime.UtcNow.AddHours(-2));
        string abandoned = $"{older}.1234{RepackCache.TemporarySuffix}";
        File.WriteAllText(abandoned, "x");
        File.SetLastWriteTimeUtc(abandoned, DateTime.UtcNow.AddDays(-1));
        string kept = KeptFile;

        long added = RepackedHeader.PageBytes + Packed(null, model: "llama-q4_0 int8 f16").Length;
        Packed(Options() with { MostBytes = size + added }, model: "llama-q4_0 int8 f16");

        Assert.True(File.Exists(kept));
        Assert.False(File.Exists(older));
        Assert.False(File.Exists(abandoned));
        Assert.Equal(2, Directory.GetFiles(_folder).Length);
    }

    private string KeptFile => Directory.GetFiles(_folder, $"*{RepackCache.Suffix}").MaxBy(path => new FileInfo(path).Length)!;

    private static CpuIsa Vectors => IsaSelector.IsSupported(CpuIsa.Avx2) ? CpuIsa.Avx2 : CpuIsa.Neon;

    private RepackCacheOptions Options() => new() { Folders = [_folder], Note = _notes.Enqueue };

    private static CpuOptions CpuOptions(RepackCacheOptions? cache) => new()
    {
        Lanes = 2,
        Isa = Vectors,
        MaxRowsPerTick = 64,
        MaxSequences = 2,
        ContextLength = 1024,
        KvBytes = 1L << 30,
        RepackCache = cache,
    };

    private static unsafe byte[] Packed(RepackCacheOptions? cache, IProgress<LoadProgress>? progress = null, string model = Model, string? path = null)
    {
        LoadedModel.RequireVectors();
        using var file = GgufFile.Open(path ?? GoldenBits.Named(model).Path);
        var compiled = CpuBackend.CompileOnly(file, CpuOptions(cache));
        using var weights = new WeightStore(file, compiled, IsaSelector.Select(Vectors), 2, cache, progress);
        return new ReadOnlySpan<byte>(weights.PackedData, checked((int)weights.PackedBytes)).ToArray();
    }

    private sealed class Recorder(ConcurrentQueue<string> steps) : IProgress<LoadProgress>
    {
        public void Report(LoadProgress value) => steps.Enqueue(value.Step);
    }
}
