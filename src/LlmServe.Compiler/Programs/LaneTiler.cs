namespace LlmServe.Compiler.Programs;

/// <summary>Cuts the rows of one or more matrices, laid end to end, into one stretch per lane by cost.</summary>
internal static class LaneTiler
{
    /// <summary>Splits matrices of the given row counts.</summary>
    /// <param name="rows">Rows of each matrix.</param>
    /// <param name="rowCosts">Cost of one row of each matrix (bytes).</param>
    /// <param name="alignment">Cuts fall on multiples of this many rows of a matrix, or on its end.</param>
    /// <param name="lanes">Number of stretches.</param>
    /// <returns>For each lane its ranges, in order; possibly none.</returns>
    public static IReadOnlyList<IReadOnlyList<TileRange>> Split(int[] rows, double[] rowCosts, int alignment, int lanes)
    {
        double total = rows.Zip(rowCosts, (r, c) => r * c).Sum();
        var result = Enumerable.Range(0, lanes).Select(_ => new List<TileRange>()).ToArray();
        double done = 0;
        for (int m = 0; m < rows.Length; m++)
        {
            for (int begin = 0; begin < rows[m]; begin += alignment)
            {
                int end = Math.Min(rows[m], begin + alignment);
                double cost = (end - begin) * rowCosts[m];
                int lane = Math.Min(lanes - 1, (int)((done + (cost / 2)) / total * lanes));
                done += cost;
                Extend(result[lane], m, begin, end);
            }
        }

        return result;
    }

    private static void Extend(List<TileRange> ranges, int matrix, int begin, int end)
    {
        if (ranges.Count > 0 && ranges[^1].Matrix == matrix && ranges[^1].End == begin)
        {
            ranges[^1] = ranges[^1] with { End = end };
        }
        else
        {
            ranges.Add(new TileRange(matrix, begin, end));
        }
    }
}
