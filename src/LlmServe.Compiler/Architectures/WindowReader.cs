using LlmServe.Execution;

namespace LlmServe.Compiler.Architectures;

/// <summary>Reads which layers see a window of positions, and how many.</summary>
internal static class WindowReader
{
    private const string WindowKey = "attention.sliding_window", PatternKey = "attention.sliding_window_pattern";

    /// <summary>What each layer's rows see. [layers]</summary>
    /// <param name="source">The model.</param>
    /// <param name="layers">Layers.</param>
    /// <param name="period">
    /// Every so many layers, the last sees everything: the file's number or, where it has none, this. A file can say it for each layer instead.
    /// </param>
    /// <param name="absent">Positions of a window where the file does not say; null: it must. 0: no windows.</param>
    /// <param name="isFullFirst">Whether the first layer of a period sees everything, not the last.</param>
    public static KvVisibility[] Read(ModelSource source, int layers, int period, int? absent, bool isFullFirst = false)
    {
        int? window = source.TryGetInt32(WindowKey, int.MaxValue) ?? absent;
        source.Require(window is not null, $"{source.Full(WindowKey)} is missing, which {source.Architecture} needs");
        bool[] windowed = source.TryGetBools(PatternKey, layers) ?? ByPeriod(layers, ReadPeriod(source, period), isFullFirst);
        return [.. windowed.Select(isWindowed => isWindowed ? new KvVisibility(Window: window ?? 0) : KvVisibility.All)];
    }

    private static int ReadPeriod(ModelSource source, int absent) =>
        source.File.Metadata.TryGetValue(source.Full(PatternKey), out var value) && value.IsArray ? absent : source.TryGetInt32(PatternKey, int.MaxValue) ?? absent;

    /// <summary>A period of 0: all layers have windows; of 1: none.</summary>
    private static bool[] ByPeriod(int layers, int period, bool isFullFirst) =>
        [.. Enumerable.Range(0, layers).Select(i => period == 0 || (isFullFirst ? i % period != 0 : i % period < period - 1))];
}
