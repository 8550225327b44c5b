using System.Text;

namespace LlmServe.Constraints.Languages;

/// <summary>Letters that differ by case alone.</summary>
internal static class CaseFolding
{
    private static readonly Lazy<(int Letter, int Other)[]> Pairs = new(Collect);

    /// <summary>A set with the other cases of its letters.</summary>
    public static CodePointSet Close(CodePointSet set)
    {
        var others = Pairs.Value.Where(pair => set.Contains(pair.Letter)).Select(pair => new CodePointRange(pair.Other, pair.Other)).ToList();
        return others.Count == 0 ? set : set.Union(CodePointSet.Of(others));
    }

    private static (int, int)[] Collect()
    {
        var pairs = new List<(int, int)>();
        for (int codePoint = 0; codePoint <= 0x1FFFF; codePoint++)
        {
            if (Rune.IsValid(codePoint))
            {
                var rune = new Rune(codePoint);
                AddIfOther(Rune.ToUpperInvariant(rune));
                AddIfOther(Rune.ToLowerInvariant(rune));

                void AddIfOther(Rune other)
                {
                    if (other != rune)
                    {
                        pairs.Add((rune.Value, other.Value));
                        pairs.Add((other.Value, rune.Value));
                    }
                }
            }
        }

        return [.. pairs.Distinct()];
    }
}
