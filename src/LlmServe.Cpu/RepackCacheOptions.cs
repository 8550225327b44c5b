namespace LlmServe.Cpu;

/// <summary>Where repacked weights are kept between starts. Leaving the cache out changes how long loading takes and nothing else.</summary>
public sealed record RepackCacheOptions
{
    /// <summary>What <see cref="MostBytes"/> is unless told otherwise: 16 GiB.</summary>
    public const long DefaultMostBytes = 16L << 30;

    /// <summary>Folders in the order in which they are tried, for reading and for writing; they are made when they are needed.</summary>
    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>Most bytes that the files of a folder take together; the least recently used ones are deleted for a new one.</summary>
    public long MostBytes { get; init; } = DefaultMostBytes;

    /// <summary>Gets one line when a file could not be used or kept, for people.</summary>
    public Action<string>? Note { get; init; }
}
