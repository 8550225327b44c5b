namespace LlmServe.Testing;

/// <summary>A folder that is gone after the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Path = Directory.CreateTempSubdirectory("llmserve-test-").FullName;

    public string Path { get; }

    public string File(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, string text)
    {
        string path = File(name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    /// <summary>The embedded model's first bytes.</summary>
    public string WriteTruncatedModel(int bytes)
    {
        byte[] start = new byte[bytes];
        using (var source = System.IO.File.OpenRead(TestData.EmbeddedModel))
        {
            source.ReadExactly(start);
        }

        string path = File("truncated.gguf");
        System.IO.File.WriteAllBytes(path, start);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
