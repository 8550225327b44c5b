using LlmServe.Gguf.Formats.Codebooks;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>
/// Which entry of a codebook a group of levels is, or which ones are near. A level is the rank of a code among those of the codebook, ascending;
/// a pattern holds the levels of a group, a few bits each, the first lowest.
/// </summary>
internal sealed class CodebookMap
{
    private readonly short[] _entries; // [patterns]: an entry, or −1 − the number of a list
    private readonly short[][] _near;
    private readonly byte[] _levels; // [entries, width]

    /// <param name="codebook">The codebook.</param>
    /// <param name="shells">Distances, the smallest first, whose entries count as near.</param>
    public CodebookMap(Codebook codebook, int shells)
    {
        Width = codebook.Width;
        sbyte[] codes = [.. Enumerable.Range(0, codebook.Count).SelectMany(i => codebook[i].ToArray()).Distinct().Order()];
        Levels = codes.Length;
        Bits = Levels > 4 ? 3 : 2;
        _levels = [.. Enumerable.Range(0, codebook.Count).SelectMany(i => codebook[i].ToArray()).Select(code => (byte)Array.IndexOf(codes, code))];
        _entries = new short[1 << (Bits * Width)];
        var lists = new List<short[]>();
        var known = new Dictionary<int, short>();
        for (int entry = 0; entry < codebook.Count; entry++)
        {
            known[PatternOf(LevelsOf(entry))] = (short)entry;
        }

        for (int pattern = 0; pattern < _entries.Length; pattern++)
        {
            if (known.TryGetValue(pattern, out short entry))
            {
                _entries[pattern] = entry;
                continue;
            }

            if (IsPattern(pattern))
            {
                lists.Add(Near(pattern, shells));
                _entries[pattern] = (short)-lists.Count;
            }
        }

        _near = [.. lists];
    }

    /// <summary>Codes of an entry: 8 or 4.</summary>
    public int Width { get; }

    /// <summary>Different codes: 3 or 8.</summary>
    public int Levels { get; }

    /// <summary>Bits of a level in a pattern.</summary>
    public int Bits { get; }

    /// <summary>The levels of an entry. [Width]</summary>
    public ReadOnlySpan<byte> LevelsOf(int entry) => _levels.AsSpan(entry * Width, Width);

    /// <summary>The entry that has a pattern, or a negative number.</summary>
    public int EntryOf(int pattern) => _entries[pattern];

    /// <summary>The entries near a pattern that is none: by distance, then by number.</summary>
    public ReadOnlySpan<short> Near(int pattern) => _near[-1 - _entries[pattern]];

    private int PatternOf(ReadOnlySpan<byte> levels)
    {
        int pattern = 0;
        for (int i = 0; i < Width; i++)
        {
            pattern |= levels[i] << (Bits * i);
        }

        return pattern;
    }

    private bool IsPattern(int pattern)
    {
        for (int i = 0; i < Width; i++)
        {
            if ((pattern >> (Bits * i) & ((1 << Bits) - 1)) >= Levels)
            {
                return false;
            }
        }

        return true;
    }

    private short[] Near(int pattern, int shells)
    {
        int count = _levels.Length / Width;
        int[] distances = new int[count];
        for (int entry = 0; entry < count; entry++)
        {
            for (int i = 0; i < Width; i++)
            {
                int difference = _levels[(entry * Width) + i] - (pattern >> (Bits * i) & ((1 << Bits) - 1));
                distances[entry] += difference * difference;
            }
        }

        int farthest = distances.Distinct().Order().Take(shells).Last();
        return [.. Enumerable.Range(0, count).Where(entry => distances[entry] <= farthest).OrderBy(entry => distances[entry]).Select(entry => (short)entry)];
    }
}
