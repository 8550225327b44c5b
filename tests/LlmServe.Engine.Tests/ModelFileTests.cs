using LlmServe.Cpu;
using LlmServe.Gguf;
using LlmServe.Testing;
using LlmServe.Text;

namespace LlmServe.Engine.Tests;

/// <summary>What becomes of a model's file while it is served changes no answer and ends no process.</summary>
public sealed class ModelFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llmserve-served-").FullName;

    /// <summary>Something that happens to a file.</summary>
    public enum Change
    {
        Overwritten,
        Truncated,
        Replaced,
        Deleted,
        Closed,
    }

    public static TheoryData<string, CpuIsa?, Change> Cases()
    {
        var cases = new TheoryData<string, CpuIsa?, Change>();
        foreach (var change in Enum.GetValues<Change>())
        {
            // Float matrices are read as they lie; the table of the quantized model is, beside its repacked tiles; the scalar kernels read everything so.
            cases.Add("tiny/llama.gguf", null, change);
            cases.Add("quantized/llama-Q4_0.gguf", null, change);
            cases.Add("quantized/llama-Q8_0.gguf", CpuIsa.Scalar, change);
        }

        return cases;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Submit_FileChangedWhileServed_AnswersAsBefore(string name, CpuIsa? isa, Change change)
    {
        string path = Path.Combine(_folder, "model.gguf");
        File.Copy(TestData.Local(["golden", .. name.Split('/')]), path);
        File.SetAttributes(path, FileAttributes.Normal);
        using var file = GgufFile.Open(path);
        var executor = CpuBackend.Load(file, new CpuOptions { Isa = isa, Lanes = 1, MaxRowsPerTick = 16, MaxSequences = 1, ContextLength = 128 });
        await using var engine = new LlmEngine(executor, TokenizerFactory.Create(file.Metadata), new EngineOptions { PrefixCache = false });
        var before = await Answer(engine);

        Apply(change, path, file);
        var after = await Answer(engine);

        Assert.Equal(before.Tokens, after.Tokens);
        Assert.Equal(before.LogProbabilities.Select(p => p.LogProbability), after.LogProbabilities.Select(p => p.LogProbability));
    }

    /// <summary>A prompt over many rows of the embedding table.</summary>
    private static Task<Answer> Answer(LlmEngine engine) => EngineTest.Collect(engine.Submit(
        new GenerationRequest { Prompt = [.. Enumerable.Range(0, 60).Select(i => (i * 6) + 5)], MaxTokens = 24, LogProbabilities = 1 }, CancellationToken.None));

    private static void Apply(Change change, string path, GgufFile file)
    {
        switch (change)
        {
            case Change.Overwritten:
                using (var target = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                {
                    target.Write(new byte[target.Length]);
                }

                break;
            case Change.Truncated:
                using (var target = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                {
                    target.SetLength(0);
                }

                break;
            case Change.Replaced:
                File.WriteAllText(path + ".new", "another file");
                File.Move(path + ".new", path, overwrite: true);
                break;
            case Change.Deleted:
                File.Delete(path);
                break;
            default:
                file.Dispose();
                break;
        }
    }
}
