using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using V = System.Runtime.Intrinsics.Vector512<float>;

namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>Codes out of a table (for codes of one bit: −1 and +1).</summary>
internal struct TableLevels<TBlock> : ILevels where TBlock : unmanaged, IBlockFormat<TBlock>
{
    private static readonly float[] Sorted = [.. Values().Distinct().Order()];

    private static readonly int Steps = Sorted.Length - 1;

    /// <summary>Where the next level becomes nearer than the last.</summary>
    private static readonly float[] Borders = [.. Sorted.Zip(Sorted.Skip(1), (a, b) => (a + b) / 2)];

    private static readonly float[] Rises = [.. Sorted.Zip(Sorted.Skip(1), (a, b) => b - a)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Nearest(V x)
    {
        // Sums of whole numbers are exact.
        var code = Vector512.Create(Sorted[0]);
        for (int i = 0; i < Steps; i++)
        {
            code += Vector512.GreaterThan(x, Vector512.Create(Borders[i])) & Vector512.Create(Rises[i]);
        }

        return code;
    }

    private static float[] Values()
    {
        float[] values = [TBlock.Codes.Least, TBlock.Codes.Most];
        return TBlock.CodeTable.IsEmpty ? values : Array.ConvertAll(TBlock.CodeTable.ToArray(), code => (float)code);
    }
}
