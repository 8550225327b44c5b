using System.Globalization;

namespace LlmServe.Constraints.Languages;

/// <summary>Reads what follows a backslash.</summary>
/// <param name="text">The expression.</param>
/// <param name="refuse">Makes an error at a place.</param>
internal sealed class RegexEscapes(string text, Func<int, string, ConstraintException> refuse)
{
    /// <summary>Reads an escape.</summary>
    /// <param name="at">Behind the backslash; afterwards behind the escape.</param>
    /// <param name="inClass">Whether it stands in a class.</param>
    public CodePointSet Read(ref int at, bool inClass)
    {
        int start = at - 1;
        if (at >= text.Length)
        {
            throw refuse(start, "a backslash at the end");
        }

        char c = text[at++];
        switch (c)
        {
            case 'd':
                return RegexClasses.Digit;
            case 'D':
                return RegexClasses.Digit.Complement();
            case 'w':
                return RegexClasses.Word;
            case 'W':
                return RegexClasses.Word.Complement();
            case 's':
                return RegexClasses.Space;
            case 'S':
                return RegexClasses.Space.Complement();
            case 'p' or 'P':
                var property = ReadProperty(ref at, start);
                return c == 'p' ? property : property.Complement();
            default:
                int codePoint = ReadCodePoint(c, ref at, start, inClass);
                var set = CodePointSet.Of(codePoint);
                return set.IsEmpty ? throw refuse(start, "half of a surrogate pair") : set;
        }
    }

    private int ReadCodePoint(char c, ref int at, int start, bool inClass)
    {
        switch (c)
        {
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case 'f':
                return '\f';
            case '0' when at >= text.Length || !char.IsAsciiDigit(text[at]):
                return 0;
            case 'c' when at < text.Length && char.IsAsciiLetter(text[at]):
                return text[at++] % 32;
            case 'x':
                return ReadHex(2, ref at, start);
            case 'u':
                return ReadUnicode(ref at, start);
            case 'b' when inClass:
                return '\b';
            default:
                // ECMA allows these for syntax characters only; patterns in the wild escape other punctuation too, and mean the character.
                return char.IsAscii(c) && !char.IsAsciiLetterOrDigit(c) && !char.IsControl(c) ? c : throw Unknown(c, start);
        }
    }

    private ConstraintException Unknown(char c, int start) => refuse(start, c switch
    {
        'b' or 'B' => "word borders cannot be honoured",
        'k' or (>= '0' and <= '9') => "back references cannot be honoured",
        _ => $"'\\{c}' is no escape of ECMA-262",
    });

    private int ReadUnicode(ref int at, int start)
    {
        if (at < text.Length && text[at] == '{')
        {
            int end = text.IndexOf('}', at);
            string digits = end < 0 ? "" : text[(at + 1)..end];
            if (!int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value) || value is < 0 or > 0x10FFFF)
            {
                throw refuse(start, "\\u{…} must hold a code point of at most 10FFFF, in hexadecimal");
            }

            at = end + 1;
            return value;
        }

        int high = ReadHex(4, ref at, start);
        if (char.IsHighSurrogate((char)high) && text.AsSpan(at).StartsWith("\\u"))
        {
            int behind = at + 2;
            int low = ReadHex(4, ref behind, at);
            if (char.IsLowSurrogate((char)low))
            {
                at = behind;
                return char.ConvertToUtf32((char)high, (char)low);
            }
        }

        return high;
    }

    private int ReadHex(int digits, ref int at, int start)
    {
        if (at + digits > text.Length || !text.AsSpan(at, digits).ContainsOnlyHex())
        {
            throw refuse(start, $"{digits} hexadecimal digits must follow");
        }

        int value = int.Parse(text.AsSpan(at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        at += digits;
        return value;
    }

    private CodePointSet ReadProperty(ref int at, int start)
    {
        int end = text.IndexOf('}', at);
        if (at >= text.Length || text[at] != '{' || end < 0)
        {
            throw refuse(start, "\\p must be followed by a property in braces, as in \\p{L}");
        }

        string name = text[(at + 1)..end];
        at = end + 1;
        return UnicodeCategories.Find(name)
            ?? throw refuse(start, $"the property '{name}' is not known; general categories such as L, Lu, Nd, P are, and Any, ASCII, Assigned");
    }
}
