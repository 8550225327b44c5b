namespace LlmServe.Gguf;

/// <summary>A memory-mapped GGUF model file.</summary>
public sealed class GgufFile : IDisposable
{
    public void Dispose()
    {
    }
}
