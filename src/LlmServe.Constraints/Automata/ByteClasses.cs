using System.Runtime.InteropServices;

namespace LlmServe.Constraints.Automata;

/// <summary>Lays edges over bytes out as a table of states × classes of bytes.</summary>
internal static class ByteClasses
{
    /// <summary>Builds the table.</summary>
    /// <param name="edges">The edges; a state has at most one for a byte.</param>
    /// <param name="states">Number of states.</param>
    /// <returns>The class of each byte, the table, and the number of classes. Bytes that lead nowhere share class 0 if there are any.</returns>
    public static (byte[] Classes, int[] Next, int ClassCount) Build(List<ByteEdge> edges, int states)
    {
        int[] stretch = ByteStretches.Find(edges, out int stretches);
        var columns = new List<(int State, int To)>[stretches];
        for (int i = 0; i < stretches; i++)
        {
            columns[i] = [];
        }

        foreach (var edge in edges.OrderBy(edge => edge.From))
        {
            for (int i = stretch[edge.Low]; i <= stretch[edge.High]; i++)
            {
                columns[i].Add((edge.From, edge.To));
            }
        }

        byte[] classOfStretch = Merge(columns, out var distinct);
        int[] next = new int[states * distinct.Count];
        Array.Fill(next, -1);
        for (int i = 0; i < distinct.Count; i++)
        {
            foreach (var (state, to) in distinct[i])
            {
                next[state * distinct.Count + i] = to;
            }
        }

        byte[] classes = new byte[256];
        for (int value = 0; value < 256; value++)
        {
            classes[value] = classOfStretch[stretch[value]];
        }

        return (classes, next, distinct.Count);
    }

    private static byte[] Merge(List<(int State, int To)>[] columns, out List<List<(int State, int To)>> distinct)
    {
        distinct = [];
        var byHash = new Dictionary<int, List<byte>>();
        byte[] classes = new byte[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            var hash = new HashCode();
            hash.AddBytes(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(columns[i])));
            if (!byHash.TryGetValue(hash.ToHashCode(), out var candidates))
            {
                byHash.Add(hash.ToHashCode(), candidates = []);
            }

            int found = -1;
            foreach (byte candidate in candidates)
            {
                found = CollectionsMarshal.AsSpan(distinct[candidate]).SequenceEqual(CollectionsMarshal.AsSpan(columns[i])) ? candidate : found;
            }

            if (found < 0)
            {
                found = distinct.Count;
                distinct.Add(columns[i]);
                candidates.Add((byte)found);
            }

            classes[i] = (byte)found;
        }

        return classes;
    }
}
