using System.Globalization;
using LlmServe.Cpu;

namespace LlmServe.Cli.Terminal;

/// <summary>How far a model is loaded, as lines: for terminals without escape codes and for people who want none. A line per step and quarter of it.</summary>
internal sealed class LoadProgressLines(TextWriter output, string title) : IProgress<LoadProgress>
{
    private const int Parts = 4;
    private readonly Lock _lock = new();
    private string? _step;
    private int _part;

    /// <inheritdoc/>
    public void Report(LoadProgress value)
    {
        int part = Math.Clamp((int)(value.Share * Parts), 0, Parts);
        lock (_lock)
        {
            if (_step == value.Step && part <= _part)
            {
                return;
            }

            _step = value.Step;
            _part = part;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{title}: {value.Step}, {part * 100 / Parts} %"));
        }
    }
}
