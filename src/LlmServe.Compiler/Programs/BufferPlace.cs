namespace LlmServe.Compiler.Programs;

/// <summary>Where a buffer lives.</summary>
public enum BufferPlace
{
    /// <summary>In the arena that all lanes share, at a fixed offset.</summary>
    Arena,

    /// <summary>In each lane's own arena, at the same offset: every lane has the whole of it, and no other sees it.</summary>
    Lane,

    /// <summary>The cache of one layer; the executor knows where.</summary>
    Cache,
}
