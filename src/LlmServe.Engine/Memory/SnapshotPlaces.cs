using LlmServe.Execution;

namespace LlmServe.Engine.Memory;

/// <summary>
/// Where states are kept while a prompt is read. A state exists only where somebody kept it, and weighs as much as the keys and values of many positions, so
/// there are few: where the sequence stops being like another one before it, where the request says that others will begin alike, shortly before the prompt's end,
/// and some in between. All are block borders, and chunks of the prompt end there.
/// </summary>
internal static class SnapshotPlaces
{
    private const int MostInBetween = 8;
    private const int LeastSpacing = 256;

    /// <summary>The next place behind <paramref name="computed"/>; <see cref="int.MaxValue"/>: there is none.</summary>
    /// <param name="computed">Positions that are computed.</param>
    /// <param name="length">Tokens to read; the last of them is computed in any case, so nobody starts behind it.</param>
    /// <param name="matched">Positions in which the sequence is like one before it.</param>
    /// <param name="likely">Positions up to which others will probably begin alike.</param>
    public static int Next(int computed, int length, int matched, IReadOnlyList<int> likely)
    {
        int last = Border(length - 1);
        int spacing = Math.Max(LeastSpacing, Border((length / MostInBetween) + KvBlock.Positions));
        int next = Nearer(int.MaxValue, last, computed, last);
        next = Nearer(next, ((computed / spacing) + 1) * spacing, computed, last);
        next = Nearer(next, Border(matched), computed, last);
        for (int i = 0; i < likely.Count; i++)
        {
            next = Nearer(next, Border(likely[i]), computed, last);
        }

        return next;
    }

    private static int Border(int position) => position / KvBlock.Positions * KvBlock.Positions;

    private static int Nearer(int next, int place, int computed, int last) => place > computed && place <= last ? Math.Min(next, place) : next;
}
