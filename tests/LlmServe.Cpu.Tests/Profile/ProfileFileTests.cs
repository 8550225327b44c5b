using FsCheck;
using FsCheck.Fluent;
using LlmServe.Compiler.Cost;
using LlmServe.Compiler.Graph;
using LlmServe.Compiler.Operations;
using LlmServe.Cpu.Profile;
using LlmServe.Gguf;

namespace LlmServe.Cpu.Tests.Profile;

public sealed class ProfileFileTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly KernelKey[] Keys =
    [
        new(Opcodes.MatMul, GgmlType.Q4_1, null, 576, ActivationForms.Real, 1),
        new(Opcodes.Attention, null, null, 0, ActivationForms.Real, 0),
    ];

    private static readonly MachineProfile Measured = new()
    {
        ReadBandwidth = 21.25e9,
        Barrier = 151e-9,
        TickOverhead = 1.5e-6,
        IsMeasured = true,
        Kernels = new Dictionary<KernelKey, KernelTime>
        {
            [Keys[0]] = new(1 / 41e9, 1 / 61e9, FirstFromMemory: 1 / 37e9),
            [Keys[1]] = new(201e-9, 199e-9, 15.5e-9, 8e-9),
        },
    };

    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-profile-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TryRead_Written_IsTheSame()
    {
        string path = ProfileFile.PathOf(Path.Combine(_folder, "new"), "a");

        Assert.True(ProfileFile.TryWrite(path, Measured, Keys, Now));
        var read = ProfileFile.TryRead(path, Keys, Now + ProfileFile.Lifetime);

        Assert.NotNull(read);
        Assert.Equal(Measured with { Kernels = read.Kernels }, read);
        Assert.Equal(Measured.Kernels, read.Kernels);
        Assert.Single(Directory.GetFiles(Path.Combine(_folder, "new")));
    }

    [Fact]
    public void TryRead_TooOldOrOfTheFuture_IsNull()
    {
        string path = ProfileFile.PathOf(_folder, "a");
        ProfileFile.TryWrite(path, Measured, Keys, Now);

        Assert.Null(ProfileFile.TryRead(path, Keys, Now + ProfileFile.Lifetime + TimeSpan.FromSeconds(1)));
        Assert.Null(ProfileFile.TryRead(path, Keys, Now - TimeSpan.FromSeconds(1)));
        Assert.Null(ProfileFile.TryRead(ProfileFile.PathOf(_folder, "b"), Keys, Now));
    }

    [Fact]
    public void Parse_AnyChange_IsNull()
    {
        string text = ProfileFile.Print(Measured, Keys, Now);
        Assert.NotNull(ProfileFile.Parse(text, Keys, Now));
        var change = from position in Gen.Choose(0, text.Length - 1) from character in Gen.Elements('0', '9', '-', ' ', '\n', 'e', 'é') select (position, character);
        Check.One(Config.QuickThrowOnFailure.WithReplay(5, 7), Prop.ForAll(change.ToArbitrary(), c =>
            text[c.position] == c.character || ProfileFile.Parse($"{text[..c.position]}{c.character}{text[(c.position + 1)..]}", Keys, Now) is null));
        Check.One(Config.QuickThrowOnFailure.WithReplay(5, 7), Prop.ForAll(Gen.Choose(0, text.Length - 1).ToArbitrary(), length =>
            ProfileFile.Parse(text[..length], Keys, Now) is null));
    }

    [Theory]
    [InlineData(0, 1e-7, 1e-6)]
    [InlineData(1e15, 1e-7, 1e-6)]
    [InlineData(2e10, 0.2, 1e-6)]
    [InlineData(2e10, 1e-7, -1e-6)]
    [InlineData(double.NaN, 1e-7, 1e-6)]
    [InlineData(2e10, double.PositiveInfinity, 1e-6)]
    public void Parse_ImplausibleMachine_IsNull(double bandwidth, double barrier, double overhead)
    {
        var profile = Measured with { ReadBandwidth = bandwidth, Barrier = barrier, TickOverhead = overhead };

        Assert.Null(ProfileFile.Parse(ProfileFile.Print(profile, Keys, Now), Keys, Now));
    }

    [Fact]
    public void Parse_OtherNumberOfKernels_IsNull()
    {
        Assert.Null(ProfileFile.Parse(ProfileFile.Print(Measured, Keys, Now), Keys[..1], Now));
    }

    [Fact]
    public void TryWrite_FolderThatIsAFile_IsFalse()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");

        Assert.False(ProfileFile.TryWrite(ProfileFile.PathOf(file, "a"), Measured, Keys, Now));
    }

    [Fact]
    public void Measure_KeptProfile_IsTaken()
    {
        using var model = GgufFile.Open(LlmServe.Testing.TestData.Local("golden", "tiny", "llama.gguf"));
        var options = new CpuOptions
        {
            Isa = CpuIsa.Scalar, Lanes = 1, MaxRowsPerTick = 4, ProfileCache = new ProfileCacheOptions(_folder, Refresh: true) { KeepAlways = true },
        };
        var compiled = CpuBackend.CompileOnly(model, options);
        var fresh = CpuBackend.MeasureProfile(compiled, options);
        var keys = fresh.Kernels.Keys.OrderBy(key => key.ToString(), StringComparer.Ordinal).ToArray();
        string path = Assert.Single(Directory.GetFiles(_folder));
        Assert.True(ProfileFile.TryWrite(path, fresh with { ReadBandwidth = 12345678901 }, keys, DateTimeOffset.UtcNow));
        var kept = options with { ProfileCache = new ProfileCacheOptions(_folder) };

        Assert.Equal(12345678901, CpuBackend.MeasureProfile(compiled, kept).ReadBandwidth);
        Assert.Equal(fresh.ReadBandwidth, CpuBackend.MeasureProfile(compiled, options).ReadBandwidth);
    }
}
