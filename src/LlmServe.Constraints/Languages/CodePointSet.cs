namespace LlmServe.Constraints.Languages;

/// <summary>A set of Unicode code points, as ranges in ascending order with gaps between them. Surrogates are never in it. Immutable.</summary>
internal sealed class CodePointSet
{
    private const int Last = 0x10FFFF;
    private const int FirstSurrogate = 0xD800;
    private const int LastSurrogate = 0xDFFF;

    private CodePointSet(CodePointRange[] ranges)
    {
        Ranges = ranges;
    }

    /// <summary>No code point.</summary>
    public static CodePointSet None { get; } = new([]);

    /// <summary>Every code point.</summary>
    public static CodePointSet All { get; } = Of(new CodePointRange(0, Last));

    /// <summary>The ranges.</summary>
    public CodePointRange[] Ranges { get; }

    /// <summary>Whether there is none.</summary>
    public bool IsEmpty => Ranges.Length == 0;

    /// <summary>Ranges in any order, overlapping or not.</summary>
    public static CodePointSet Of(params IEnumerable<CodePointRange> ranges)
    {
        var sorted = WithoutSurrogates(ranges).OrderBy(range => range.Low).ToList();
        var merged = new List<CodePointRange>();
        foreach (var range in sorted)
        {
            if (merged.Count > 0 && range.Low <= merged[^1].High + 1)
            {
                merged[^1] = merged[^1] with { High = Math.Max(merged[^1].High, range.High) };
            }
            else
            {
                merged.Add(range);
            }
        }

        return new CodePointSet([.. merged]);
    }

    /// <summary>One range.</summary>
    public static CodePointSet Of(int low, int high) => Of(new CodePointRange(low, high));

    /// <summary>One code point.</summary>
    public static CodePointSet Of(int codePoint) => Of(codePoint, codePoint);

    /// <summary>Code points of either set.</summary>
    public CodePointSet Union(CodePointSet other) => IsEmpty ? other : other.IsEmpty ? this : Of(Ranges.Concat(other.Ranges));

    /// <summary>Code points of both sets.</summary>
    public CodePointSet Intersect(CodePointSet other)
    {
        var both = new List<CodePointRange>();
        for (int i = 0, j = 0; i < Ranges.Length && j < other.Ranges.Length;)
        {
            int low = Math.Max(Ranges[i].Low, other.Ranges[j].Low);
            int high = Math.Min(Ranges[i].High, other.Ranges[j].High);
            if (low <= high)
            {
                both.Add(new CodePointRange(low, high));
            }

            if (Ranges[i].High < other.Ranges[j].High)
            {
                i++;
            }
            else
            {
                j++;
            }
        }

        return new CodePointSet([.. both]);
    }

    /// <summary>All other code points.</summary>
    public CodePointSet Complement()
    {
        var gaps = new List<CodePointRange>();
        int next = 0;
        foreach (var range in Ranges)
        {
            if (range.Low > next)
            {
                gaps.Add(new CodePointRange(next, range.Low - 1));
            }

            next = range.High + 1;
        }

        if (next <= Last)
        {
            gaps.Add(new CodePointRange(next, Last));
        }

        return Of(gaps);
    }

    /// <summary>Code points of this set that are not in the other.</summary>
    public CodePointSet Except(CodePointSet other) => Intersect(other.Complement());

    /// <summary>Whether a code point is in the set.</summary>
    public bool Contains(int codePoint)
    {
        int low = 0;
        int high = Ranges.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) / 2;
            if (codePoint < Ranges[middle].Low)
            {
                high = middle - 1;
            }
            else if (codePoint > Ranges[middle].High)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    private static IEnumerable<CodePointRange> WithoutSurrogates(IEnumerable<CodePointRange> ranges)
    {
        foreach (var range in ranges)
        {
            if (range.Low < FirstSurrogate)
            {
                yield return range with { High = Math.Min(range.High, FirstSurrogate - 1) };
            }

            if (range.High > LastSurrogate)
            {
                yield return range with { Low = Math.Max(range.Low, LastSurrogate + 1) };
            }
        }
    }
}
