namespace LlmServe.Constraints.Automata;

/// <summary>Stretches of byte values that no edge tells apart.</summary>
internal static class ByteStretches
{
    /// <summary>[256] The number of each byte's stretch, in ascending order.</summary>
    public static int[] Find(List<ByteEdge> edges, out int count)
    {
        bool[] borders = new bool[257];
        foreach (var edge in edges)
        {
            borders[edge.Low] = true;
            borders[edge.High + 1] = true;
        }

        int[] stretch = new int[256];
        int number = 0;
        for (int value = 1; value < 256; value++)
        {
            number += borders[value] ? 1 : 0;
            stretch[value] = number;
        }

        count = number + 1;
        return stretch;
    }
}
