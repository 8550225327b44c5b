namespace LlmServe.Cpu;

/// <summary>Where the machine's measured profile is kept between starts.</summary>
/// <param name="Folder">The folder; it is made when it is needed.</param>
/// <param name="Refresh">Whether to measure in any case, and keep the result.</param>
public sealed record ProfileCacheOptions(string Folder, bool Refresh = false)
{
    /// <summary>Whether a profile is kept that was measured while other programs used the processors; for tests.</summary>
    internal bool KeepAlways { get; init; }
}
