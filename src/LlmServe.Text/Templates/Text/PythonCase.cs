using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace LlmServe.Text.Templates;

/// <summary>
/// Python's upper and lower case, which is Unicode's full mapping: .NET's mapping of single characters, and the characters that become several.
/// </summary>
internal static class PythonCase
{
    private const char CapitalSigma = '\u03A3';
    private const char SmallSigma = '\u03C3';
    private const char FinalSigma = '\u03C2';
    private const char DottedCapitalI = '\u0130';
    private const char DotlessSmallI = '\u0131';
    private const char LongS = '\u017F';
    private const char ApostropheN = '\u0149';
    private const char CapitalIota = '\u0399';
    private const char SubscriptIota = '\u0345';
    private const char CapitalSharpS = '\u1E9E';

    // Unicode's SpecialCasing.txt, unconditional upper-case mappings: each entry is a character and what it becomes.
    private const string Expansions =
        "\u00DFSS \u0149\u02BCN \u01F0J\u030C \u0390\u0399\u0308\u0301 \u03B0\u03A5\u0308\u0301 \u0587\u0535\u0552 \u1E96H\u0331 "
        + "\u1E97T\u0308 \u1E98W\u030A \u1E99Y\u030A \u1E9AA\u02BE \u1F50\u03A5\u0313 \u1F52\u03A5\u0313\u0300 "
        + "\u1F54\u03A5\u0313\u0301 \u1F56\u03A5\u0313\u0342 \u1F80\u1F08\u0399 \u1F81\u1F09\u0399 \u1F82\u1F0A\u0399 "
        + "\u1F83\u1F0B\u0399 \u1F84\u1F0C\u0399 \u1F85\u1F0D\u0399 \u1F86\u1F0E\u0399 \u1F87\u1F0F\u0399 \u1F88\u1F08\u0399 "
        + "\u1F89\u1F09\u0399 \u1F8A\u1F0A\u0399 \u1F8B\u1F0B\u0399 \u1F8C\u1F0C\u0399 \u1F8D\u1F0D\u0399 \u1F8E\u1F0E\u0399 "
        + "\u1F8F\u1F0F\u0399 \u1F90\u1F28\u0399 \u1F91\u1F29\u0399 \u1F92\u1F2A\u0399 \u1F93\u1F2B\u0399 \u1F94\u1F2C\u0399 "
        + "\u1F95\u1F2D\u0399 \u1F96\u1F2E\u0399 \u1F97\u1F2F\u0399 \u1F98\u1F28\u0399 \u1F99\u1F29\u0399 \u1F9A\u1F2A\u0399 "
        + "\u1F9B\u1F2B\u0399 \u1F9C\u1F2C\u0399 \u1F9D\u1F2D\u0399 \u1F9E\u1F2E\u0399 \u1F9F\u1F2F\u0399 \u1FA0\u1F68\u0399 "
        + "\u1FA1\u1F69\u0399 \u1FA2\u1F6A\u0399 \u1FA3\u1F6B\u0399 \u1FA4\u1F6C\u0399 \u1FA5\u1F6D\u0399 \u1FA6\u1F6E\u0399 "
        + "\u1FA7\u1F6F\u0399 \u1FA8\u1F68\u0399 \u1FA9\u1F69\u0399 \u1FAA\u1F6A\u0399 \u1FAB\u1F6B\u0399 \u1FAC\u1F6C\u0399 "
        + "\u1FAD\u1F6D\u0399 \u1FAE\u1F6E\u0399 \u1FAF\u1F6F\u0399 \u1FB2\u1FBA\u0399 \u1FB3\u0391\u0399 \u1FB4\u0386\u0399 "
        + "\u1FB6\u0391\u0342 \u1FB7\u0391\u0342\u0399 \u1FBC\u0391\u0399 \u1FC2\u1FCA\u0399 \u1FC3\u0397\u0399 \u1FC4\u0389\u0399 "
        + "\u1FC6\u0397\u0342 \u1FC7\u0397\u0342\u0399 \u1FCC\u0397\u0399 \u1FD2\u0399\u0308\u0300 \u1FD3\u0399\u0308\u0301 "
        + "\u1FD6\u0399\u0342 \u1FD7\u0399\u0308\u0342 \u1FE2\u03A5\u0308\u0300 \u1FE3\u03A5\u0308\u0301 \u1FE4\u03A1\u0313 "
        + "\u1FE6\u03A5\u0342 \u1FE7\u03A5\u0308\u0342 \u1FF2\u1FFA\u0399 \u1FF3\u03A9\u0399 \u1FF4\u038F\u0399 \u1FF6\u03A9\u0342 "
        + "\u1FF7\u03A9\u0342\u0399 \u1FFC\u03A9\u0399 \uFB00FF \uFB01FI \uFB02FL \uFB03FFI \uFB04FFL \uFB05ST \uFB06ST "
        + "\uFB13\u0544\u0546 \uFB14\u0544\u0535 \uFB15\u0544\u053B \uFB16\u054E\u0546 \uFB17\u0544\u053D";

    private static readonly FrozenDictionary<char, string> Expanded = Expansions.Split(' ').ToFrozenDictionary(entry => entry[0], entry => entry[1..]);

    public static string Upper(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.ToUpperInvariant();
        }

        var result = new StringBuilder(text.Length + 8);
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            AppendUpper(result, CodePoints.At(text, i));
        }

        return result.ToString();
    }

    public static string Lower(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.ToLowerInvariant();
        }

        var result = new StringBuilder(text.Length + 8);
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            AppendLower(result, text, i);
        }

        return result.ToString();
    }

    /// <summary>Python's <c>str.casefold</c>, Unicode's full case folding: the lower case of what upper case makes of each character.</summary>
    public static string Fold(string text)
    {
        if (Ascii.IsValid(text))
        {
            return text.ToLowerInvariant();
        }

        var result = new StringBuilder(text.Length + 8);
        var upper = new StringBuilder();
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            AppendFolded(result, upper.Clear(), CodePoints.At(text, i));
        }

        return result.ToString();
    }

    public static string Capitalize(string text)
    {
        if (text.Length == 0)
        {
            return text;
        }

        // The whole is lowered, so that a sigma at its end sees the letters before it.
        var start = new StringBuilder();
        AppendLower(start, text, 0);
        return TitleCharacter(CodePoints.At(text, 0)) + Lower(text)[start.Length..];
    }

    /// <summary>Python's <c>str.title</c>: a capital after anything that has no case.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool inWord = false;
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            int point = CodePoints.At(text, i);
            if (inWord)
            {
                AppendLower(result, text, i);
            }
            else
            {
                result.Append(TitleCharacter(point));
            }

            inWord = LetterCase.IsCased(point);
        }

        return result.ToString();
    }

    public static string Swap(string text)
    {
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i += CodePoints.LengthAt(text, i))
        {
            int point = CodePoints.At(text, i);
            if (LetterCase.IsLower(point))
            {
                AppendUpper(result, point);
            }
            else if (LetterCase.IsUpper(point))
            {
                AppendLower(result, text, i);
            }
            else
            {
                CodePoints.Append(result, point);
            }
        }

        return result.ToString();
    }

    public static bool IsLower(string text) => HasCase(text, LetterCase.IsLower);

    public static bool IsUpper(string text) => HasCase(text, LetterCase.IsUpper);

    public static bool IsTitle(string text)
    {
        bool inWord = false;
        bool any = false;
        foreach (int point in CodePoints.ToArray(text))
        {
            bool isCapital = LetterCase.IsUpper(point) || LetterCase.IsTitle(point);
            if (isCapital == inWord && LetterCase.IsCased(point))
            {
                return false;
            }

            any |= LetterCase.IsCased(point);
            inWord = LetterCase.IsCased(point);
        }

        return any;
    }

    private static bool HasCase(string text, Func<int, bool> isWanted)
    {
        bool any = false;
        foreach (int point in CodePoints.ToArray(text))
        {
            if (LetterCase.IsCased(point) && !isWanted(point))
            {
                return false;
            }

            any |= LetterCase.IsCased(point);
        }

        return any;
    }

    private static string TitleCharacter(int point)
    {
        // Georgian letters stay as they are at the start of a word.
        if (point is >= 0x10D0 and <= 0x10FF)
        {
            return ((char)point).ToString();
        }

        if (TitleOfPair(point) is var pair and not '\0')
        {
            return pair.ToString();
        }

        var result = new StringBuilder();
        AppendUpper(result, point);
        string upper = result.ToString();
        if (point >= 0x10000 || upper.Length == 1 || point == ApostropheN)
        {
            return upper;
        }

        // A subscript iota stays below its letter.
        string rest = upper[1..];
        return upper[0] + (point >= 0x1F80 && rest.EndsWith(CapitalIota) ? rest[..^1] + SubscriptIota : Lower(rest));
    }

    /// <summary>The title case of characters that are two letters in one, and of Greek ones with a subscript iota; NUL for any other.</summary>
    private static char TitleOfPair(int point) => point switch
    {
        >= 0x01C4 and <= 0x01C6 => '\u01C5',
        >= 0x01C7 and <= 0x01C9 => '\u01C8',
        >= 0x01CA and <= 0x01CC => '\u01CB',
        >= 0x01F1 and <= 0x01F3 => '\u01F2',
        >= 0x1F80 and <= 0x1FAF => (char)(point | 8),
        0x1FB3 or 0x1FBC => '\u1FBC',
        0x1FC3 or 0x1FCC => '\u1FCC',
        0x1FF3 or 0x1FFC => '\u1FFC',
        _ => '\0',
    };

    private static void AppendFolded(StringBuilder result, StringBuilder upper, int point)
    {
        switch (point)
        {
            case CapitalSharpS:
                result.Append("ss");
                return;
            case DottedCapitalI:
                result.Append("i\u0307");
                return;
            case DotlessSmallI or (>= 0xD800 and <= 0xDFFF):
            case >= 0x13A0 and <= 0x13F5: // Cherokee folds to its capitals
                CodePoints.Append(result, point);
                return;
            case (>= 0x13F8 and <= 0x13FD) or (>= 0xAB70 and <= 0xABBF):
                AppendUpper(result, point);
                return;
            default:
                AppendUpper(upper, point);
                foreach (var rune in upper.ToString().EnumerateRunes())
                {
                    CodePoints.Append(result, Rune.ToLowerInvariant(rune).Value);
                }

                return;
        }
    }

    private static void AppendUpper(StringBuilder result, int point)
    {
        if (point < 0x10000 && Expanded.TryGetValue((char)point, out string? several))
        {
            result.Append(several);
        }
        else if (point is DotlessSmallI or LongS)
        {
            result.Append(point == LongS ? 'S' : 'I'); // .NET leaves the two whose capital is an ASCII letter
        }
        else
        {
            CodePoints.Append(result, Rune.IsValid(point) ? Rune.ToUpperInvariant(new Rune(point)).Value : point);
        }
    }

    private static void AppendLower(StringBuilder result, string text, int at)
    {
        int point = CodePoints.At(text, at);
        switch (point)
        {
            case DottedCapitalI:
                result.Append("i\u0307");
                break;
            case CapitalSigma:
                result.Append(EndsWord(text, at) ? FinalSigma : SmallSigma);
                break;
            default:
                CodePoints.Append(result, Rune.IsValid(point) ? Rune.ToLowerInvariant(new Rune(point)).Value : point);
                break;
        }
    }

    /// <summary>Whether a letter comes before this place and none after it, marks and apostrophes not counted.</summary>
    private static bool EndsWord(string text, int at)
    {
        int before = at - 1;
        while (before >= 0 && IsIgnored(text[before]))
        {
            before--;
        }

        int after = at + 1;
        while (after < text.Length && IsIgnored(text[after]))
        {
            after++;
        }

        return before >= 0 && LetterCase.IsCased(text[before]) && !(after < text.Length && LetterCase.IsCased(CodePoints.At(text, after)));
    }

    private static bool IsIgnored(char c) => c is '\'' or '.' or ':' or '^' or '`' or '\u00AD' or '\u00B7' or '\u2019'
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;
}
