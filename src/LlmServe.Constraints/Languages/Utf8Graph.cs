using System.Runtime.InteropServices;
using LlmServe.Constraints.Automata;

namespace LlmServe.Constraints.Languages;

/// <summary>Writes sets of code points into rules as the byte sequences of their UTF-8 forms.</summary>
/// <param name="graph">The rule.</param>
internal sealed class Utf8Graph(RuleGraph graph)
{
    private static readonly (int Low, int High, int Lead, int Tails)[] Forms =
        [(0x80, 0x7FF, 0xC0, 1), (0x800, 0xFFFF, 0xE0, 2), (0x10000, 0x10FFFF, 0xF0, 3)];

    private readonly Dictionary<(int To, string Key), int> _states = [];

    /// <summary>Adds paths that read one code point of a set.</summary>
    public void Add(int from, CodePointSet set, int to)
    {
        foreach (var range in set.Ranges)
        {
            if (range.Low < 0x80)
            {
                graph.AddBytes(from, (byte)range.Low, (byte)Math.Min(range.High, 0x7F), to);
            }
        }

        foreach (var (low, high, lead, tails) in Forms)
        {
            var relative = Clip(set.Ranges, low, high, 0);
            if (relative.Count > 0)
            {
                AddBlocks(from, relative, lead, tails, to);
            }
        }
    }

    /// <summary>Adds one byte for each block of 64^<paramref name="tails"/> code points, and behind it the bytes for what the set has of the block.</summary>
    private void AddBlocks(int from, List<CodePointRange> ranges, int lead, int tails, int to)
    {
        int shift = 6 * tails;
        int block = 0;
        while (block <= ranges[^1].High >> shift)
        {
            var inside = Inside(ranges, block, shift);
            int last = block;
            if (inside.Count > 0)
            {
                // Neighbouring blocks of which the set has the same share one edge.
                while (last < ranges[^1].High >> shift && inside.SequenceEqual(Inside(ranges, last + 1, shift)))
                {
                    last++;
                }

                graph.AddBytes(from, (byte)(lead + block), (byte)(lead + last), StateBefore(inside, tails, to));
            }

            block = last + 1;
        }
    }

    private int StateBefore(List<CodePointRange> ranges, int tails, int to)
    {
        if (tails == 0)
        {
            return to;
        }

        string key = tails + new string(MemoryMarshal.Cast<CodePointRange, char>(CollectionsMarshal.AsSpan(ranges)));
        if (_states.TryGetValue((to, key), out int known))
        {
            return known;
        }

        int state = graph.AddState();
        _states.Add((to, key), state);
        AddBlocks(state, ranges, 0x80, tails - 1, to);
        return state;
    }

    private static List<CodePointRange> Inside(List<CodePointRange> ranges, int block, int shift) =>
        Clip(CollectionsMarshal.AsSpan(ranges), block << shift, ((block + 1) << shift) - 1, block << shift);

    private static List<CodePointRange> Clip(ReadOnlySpan<CodePointRange> ranges, int low, int high, int origin)
    {
        var clipped = new List<CodePointRange>();
        foreach (var range in ranges)
        {
            if (range.Low <= high && range.High >= low)
            {
                clipped.Add(new CodePointRange(Math.Max(range.Low, low) - origin, Math.Min(range.High, high) - origin));
            }
        }

        return clipped;
    }
}
