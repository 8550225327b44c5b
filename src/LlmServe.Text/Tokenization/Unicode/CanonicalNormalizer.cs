using System.Buffers;
using System.Text;

namespace LlmServe.Text.Tokenization;

/// <summary>Unicode's canonical normalization forms: NFD over code points, and NFC of texts.</summary>
internal static class CanonicalNormalizer
{
    private const int FirstSyllable = 0xAC00;
    private const int Syllables = 11172;
    private const int FirstLeading = 0x1100;
    private const int FirstVowel = 0x1161;
    private const int Vowels = 21;
    private const int BeforeFirstTrailing = 0x11A7;
    private const int Trailings = 28; // none counted
    private const int FirstThatChanges = 0x300;

    private static readonly Dictionary<int, (int First, int Second)> Decompositions = [];
    private static readonly Dictionary<(int First, int Second), int> Compositions = [];
    private static readonly Dictionary<int, byte> Classes = [];
    private static readonly SearchValues<char> NotSurelyComposed;

    static CanonicalNormalizer()
    {
        var unsure = new HashSet<char>();
        void MayChange(int point) => unsure.Add(point < 0x10000 ? (char)point : char.ConvertFromUtf32(point)[0]);

        for (var runs = DecompositionTable.Runs; !runs.IsEmpty; runs = runs[(2 + (2 * runs[1]))..])
        {
            for (int i = 0; i < runs[1]; i++)
            {
                int point = runs[0] + i;
                int first = runs[2 + (2 * i)];
                int second = runs[3 + (2 * i)];
                Decompositions.Add(point, (first, Math.Abs(second)));
                if (second > 0)
                {
                    Compositions.Add((first, second), point);
                    MayChange(second);
                }
                else
                {
                    MayChange(point);
                }
            }
        }

        for (var runs = CombiningClassTable.Runs; !runs.IsEmpty; runs = runs[3..])
        {
            for (int point = runs[0]; point < runs[0] + runs[1]; point++)
            {
                Classes.Add(point, (byte)runs[2]);
                MayChange(point);
            }
        }

        unsure.UnionWith(Enumerable.Range(FirstVowel, Vowels).Concat(Enumerable.Range(BeforeFirstTrailing, Trailings)).Select(point => (char)point));
        NotSurelyComposed = SearchValues.Create([.. unsure]);
    }

    /// <summary>The text in NFC: itself where it is so already. Unpaired surrogates become U+FFFD where the text changes.</summary>
    public static ReadOnlySpan<char> Compose(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAnyExceptInRange('\0', (char)(FirstThatChanges - 1)) || !text.ContainsAny(NotSurelyComposed))
        {
            return text;
        }

        var given = new List<int>(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            given.Add(rune.Value);
        }

        var points = new List<int>(text.Length);
        Decompose(given, points);
        Compose(points);
        var composed = new StringBuilder(points.Count);
        foreach (int point in points)
        {
            composed.Append(new Rune(point));
        }

        return composed.ToString();
    }

    /// <summary>Appends code points in NFD to a list that is empty.</summary>
    public static void Decompose(List<int> source, List<int> points)
    {
        foreach (int point in source)
        {
            AppendDecomposed(points, point);
        }

        // Marks go in the order of their classes, equal ones in the order in which they came.
        for (int start = 0; start < points.Count;)
        {
            int end = start;
            bool isOrdered = true;
            for (int before = 0; end < points.Count && ClassOf(points[end]) is > 0 and var order; end++)
            {
                isOrdered &= order >= before;
                before = order;
            }

            if (!isOrdered)
            {
                Order(points, start, end);
            }

            start = end + 1;
        }
    }

    private static void Order(List<int> points, int start, int end)
    {
        int[] marks = [.. points[start..end]];
        long[] places = new long[marks.Length];
        for (int i = 0; i < marks.Length; i++)
        {
            places[i] = ((long)ClassOf(marks[i]) << 32) | (uint)i;
        }

        Array.Sort(places);
        for (int i = 0; i < marks.Length; i++)
        {
            points[start + i] = marks[(int)(uint)places[i]];
        }
    }

    private static void AppendDecomposed(List<int> points, int point)
    {
        if (point - FirstSyllable is >= 0 and < Syllables and var index)
        {
            points.Add(FirstLeading + (index / (Vowels * Trailings)));
            points.Add(FirstVowel + (index % (Vowels * Trailings) / Trailings));
            if (index % Trailings > 0)
            {
                points.Add(BeforeFirstTrailing + (index % Trailings));
            }
        }
        else if (point >= 0xC0 && Decompositions.TryGetValue(point, out var parts))
        {
            AppendDecomposed(points, parts.First);
            if (parts.Second != 0)
            {
                points.Add(parts.Second);
            }
        }
        else
        {
            points.Add(point);
        }
    }

    /// <summary>Composes decomposed code points in place.</summary>
    private static void Compose(List<int> points)
    {
        int kept = 0;
        int starter = -1;
        int lastClass = -1; // of the last mark that stayed behind the starter; −1 where none did
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int order = ClassOf(point);
            bool isReachable = starter >= 0 && lastClass < order && (lastClass >= 0 || starter == kept - 1);
            if (isReachable && TryCompose(points[starter], point, out int composed))
            {
                points[starter] = composed;
                continue;
            }

            lastClass = order;
            if (order == 0)
            {
                starter = kept;
                lastClass = -1;
            }

            points[kept++] = point;
        }

        points.RemoveRange(kept, points.Count - kept);
    }

    private static bool TryCompose(int first, int second, out int composed)
    {
        int leading = first - FirstLeading;
        int vowel = second - FirstVowel;
        if (leading is >= 0 and < Syllables / (Vowels * Trailings) && vowel is >= 0 and < Vowels)
        {
            composed = FirstSyllable + (((leading * Vowels) + vowel) * Trailings);
            return true;
        }

        int syllable = first - FirstSyllable;
        int trailing = second - BeforeFirstTrailing;
        if (syllable is >= 0 and < Syllables && syllable % Trailings == 0 && trailing is > 0 and < Trailings)
        {
            composed = first + trailing;
            return true;
        }

        return Compositions.TryGetValue((first, second), out composed);
    }

    private static int ClassOf(int point) => point >= FirstThatChanges && Classes.TryGetValue(point, out byte order) ? order : 0;
}
