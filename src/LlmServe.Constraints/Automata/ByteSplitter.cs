namespace LlmServe.Constraints.Automata;

/// <summary>Takes edges over ranges of bytes and splits them where they overlap, so that each byte has one set of targets.</summary>
internal sealed class ByteSplitter
{
    private readonly List<int>?[] _points = new List<int>?[256]; // [bytes] targets of edges over that byte alone
    private readonly List<(byte Low, byte High, int To)> _ranges = [];
    private readonly bool[] _borders = new bool[257];            // [bytes + 1] whether a new stretch begins there
    private bool _any;

    /// <summary>Forgets all edges.</summary>
    public void Clear()
    {
        if (_any)
        {
            Array.Clear(_points);
            Array.Clear(_borders);
            _ranges.Clear();
            _any = false;
        }
    }

    /// <summary>Adds an edge.</summary>
    public void Add(byte low, byte high, int to)
    {
        _any = true;
        _borders[low] = true;
        _borders[high + 1] = true;
        if (low == high)
        {
            (_points[low] ??= []).Add(to);
        }
        else
        {
            _ranges.Add((low, high, to));
        }
    }

    /// <summary>The stretches that have targets, in order.</summary>
    public IEnumerable<(byte Low, byte High, List<int> Targets)> Split()
    {
        if (!_any)
        {
            yield break;
        }

        for (int low = 0; low < 256;)
        {
            int next = low + 1;
            while (next < 256 && !_borders[next])
            {
                next++;
            }

            var targets = _points[low] is { } points ? new List<int>(points) : [];
            foreach (var range in _ranges)
            {
                if (range.Low <= low && low <= range.High)
                {
                    targets.Add(range.To);
                }
            }

            if (targets.Count > 0)
            {
                yield return ((byte)low, (byte)(next - 1), targets);
            }

            low = next;
        }
    }
}
