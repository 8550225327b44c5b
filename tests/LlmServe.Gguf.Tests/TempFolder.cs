namespace LlmServe.Gguf.Tests;

/// <summary>A folder of its own, deleted at the end.</summary>
internal sealed class TempFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llmserve-gguf-");

    public string Write(string name, byte[] bytes)
    {
        string path = this[name];
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string this[string name] => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
