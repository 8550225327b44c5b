namespace LlmServe.Text.Templates;

/// <summary>
/// Which UTF-16 units of a text came from the render's input; all others the template wrote. Kept as the offsets at which that changes: a text begins as
/// the template's, and every border turns it to the other kind, so that one border at 0 makes all of it input.
/// </summary>
internal readonly struct Origin
{
    private readonly int[]? _borders; // ascending; null for none

    private Origin(int[] borders) => _borders = borders.Length == 0 ? null : borders;

    /// <summary>All of it written by the template.</summary>
    public static Origin Template => default;

    /// <summary>All of it from the input.</summary>
    public static Origin Input { get; } = new([0]);

    public bool IsTemplate => _borders is null;

    /// <summary>Whether all of the text has one origin.</summary>
    public bool IsUniform => _borders is null or [0];

    public static Origin FromBorders(List<int> borders) => borders is [0] ? Input : new([.. borders]);

    /// <summary>What a text is that was made of others in a way that loses places: the template's only where all of them are.</summary>
    public static Origin Mixed(params ReadOnlySpan<Origin> parts)
    {
        foreach (var part in parts)
        {
            if (!part.IsTemplate)
            {
                return Input;
            }
        }

        return Template;
    }

    /// <summary>The origin of a part of the text.</summary>
    public Origin Slice(int start, int length)
    {
        if (IsUniform || length == 0)
        {
            return this;
        }

        var borders = new List<int>();
        foreach (var (from, to, isInput) in Runs(start, start + length))
        {
            if (isInput)
            {
                borders.Add(from - start);
                if (to < start + length)
                {
                    borders.Add(to - start);
                }
            }
        }

        return FromBorders(borders);
    }

    /// <summary>The stretches between borders, within a part of the text that is not empty.</summary>
    public IEnumerable<(int Start, int End, bool IsInput)> Runs(int start, int end)
    {
        int[] borders = _borders ?? [];
        int next = Array.BinarySearch(borders, start);
        next = next < 0 ? ~next : next + 1;
        while (start < end)
        {
            int to = next < borders.Length ? Math.Min(borders[next], end) : end;
            yield return (start, to, (next & 1) != 0);
            start = to;
            next++;
        }
    }
}
