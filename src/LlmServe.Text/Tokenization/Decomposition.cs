using System.Text;

namespace LlmServe.Text.Tokenization;

/// <summary>The first code point of a character's canonical decomposition, which is what the golden ids of WordPiece vocabularies are made with.</summary>
internal static class Decomposition
{
    private const int FirstSyllable = 0xAC00;
    private const int LastSyllable = 0xD7A3;
    private const int FirstLeadingJamo = 0x1100;
    private const int SyllablesPerLeadingJamo = 588;

    private static readonly Dictionary<int, int> First = Build();

    /// <summary>The base letter of an accented one, the leading consonant of a Hangul syllable; what does not decompose stays.</summary>
    public static Rune FirstOf(Rune rune)
    {
        int c = rune.Value;
        if (c < 0xC0)
        {
            return rune;
        }

        if (c is >= FirstSyllable and <= LastSyllable)
        {
            return new Rune(FirstLeadingJamo + (c - FirstSyllable) / SyllablesPerLeadingJamo);
        }

        return First.TryGetValue(c, out int first) ? new Rune(first) : rune;
    }

    private static Dictionary<int, int> Build()
    {
        var first = new Dictionary<int, int>();
        for (var runs = DecompositionTable.Runs; !runs.IsEmpty; runs = runs[(2 + runs[1])..])
        {
            for (int i = 0; i < runs[1]; i++)
            {
                first.Add(runs[0] + i, runs[2 + i]);
            }
        }

        return first;
    }
}
