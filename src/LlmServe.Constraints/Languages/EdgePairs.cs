namespace LlmServe.Constraints.Languages;

/// <summary>Two lists of edges side by side.</summary>
internal static class EdgePairs
{
    /// <summary>Stretches of code points over which neither list changes, with where each leads (−1: nowhere).</summary>
    public static IEnumerable<(int Low, int High, int Left, int Right)> Of(LanguageEdge[] left, LanguageEdge[] right)
    {
        int i = 0;
        int j = 0;
        int at = 0;
        while (i < left.Length || j < right.Length)
        {
            int nextLeft = i < left.Length ? Math.Max(at, left[i].Low) : int.MaxValue;
            int nextRight = j < right.Length ? Math.Max(at, right[j].Low) : int.MaxValue;
            int low = Math.Min(nextLeft, nextRight);
            bool inLeft = nextLeft == low;
            bool inRight = nextRight == low;
            int high = Math.Min(inLeft ? left[i].High : nextLeft - 1, inRight ? right[j].High : nextRight - 1);
            yield return (low, high, inLeft ? left[i].To : -1, inRight ? right[j].To : -1);
            at = high + 1;
            i += i < left.Length && left[i].High < at ? 1 : 0;
            j += j < right.Length && right[j].High < at ? 1 : 0;
        }
    }
}
