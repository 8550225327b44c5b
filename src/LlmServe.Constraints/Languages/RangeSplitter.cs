namespace LlmServe.Constraints.Languages;

/// <summary>Takes sets of code points with targets and splits them where they overlap, so that each code point has one list of targets.</summary>
internal sealed class RangeSplitter
{
    private readonly List<(int Low, int High, int To)> _ranges = [];

    /// <summary>Forgets all sets.</summary>
    public void Clear() => _ranges.Clear();

    /// <summary>Adds a set.</summary>
    public void Add(CodePointSet set, int to)
    {
        foreach (var range in set.Ranges)
        {
            _ranges.Add((range.Low, range.High, to));
        }
    }

    /// <summary>The stretches that have targets, in order; targets are sorted and without repetition.</summary>
    public IEnumerable<(int Low, int High, int[] Targets)> Split()
    {
        int[] borders = [.. _ranges.SelectMany(range => new[] { range.Low, range.High + 1 }).Distinct().Order()];
        var targets = new List<int>?[borders.Length];
        foreach (var (low, high, to) in _ranges)
        {
            int i = Array.BinarySearch(borders, low);
            for (; borders[i] <= high; i++)
            {
                (targets[i] ??= []).Add(to);
            }
        }

        for (int i = 0; i < borders.Length; i++)
        {
            if (targets[i] is { } list)
            {
                yield return (borders[i], borders[i + 1] - 1, [.. list.Distinct().Order()]);
            }
        }
    }
}
