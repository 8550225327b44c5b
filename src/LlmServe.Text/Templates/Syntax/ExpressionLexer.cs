using System.Globalization;
using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary>Reads what stands between the delimiters of a tag: names, numbers, strings and operators.</summary>
internal sealed class ExpressionLexer(SourceCursor cursor, List<Lexeme> lexemes)
{
    // Python refuses to read longer decimal integers, and reading takes quadratic time.
    private const int MaxIntegerDigits = 4300;

    private static readonly string[] Operators =
    [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
    ];

    private readonly Stack<char> _brackets = new();

    /// <summary>Reads lexemes up to and with the closing delimiter.</summary>
    public void ReadUntil(LexemeKind end)
    {
        _brackets.Clear();
        int startLine = cursor.Line;
        while (true)
        {
            cursor.MoveTo(cursor.AfterWhitespace(cursor.Position));
            if (cursor.AtEnd)
            {
                string opening = end == LexemeKind.BlockEnd ? "{%" : "{{";
                throw new TemplateSyntaxException($"a tag '{opening}' is never closed", startLine);
            }

            if (_brackets.Count == 0 && TryReadEnd(end))
            {
                return;
            }

            ReadLexeme();
        }
    }

    private bool TryReadEnd(LexemeKind end)
    {
        string closing = end == LexemeKind.BlockEnd ? "%}" : "}}";
        char sign = cursor.Peek() == '-' || (cursor.Peek() == '+' && end == LexemeKind.BlockEnd) ? cursor.Peek() : '\0';
        int start = cursor.Position + (sign == '\0' ? 0 : 1);
        if (string.CompareOrdinal(cursor.Source, start, closing, 0, 2) != 0)
        {
            return false;
        }

        lexemes.Add(new Lexeme(end, "", cursor.Line));
        int after = start + 2;
        bool takesNewline = end == LexemeKind.BlockEnd && sign == '\0' && after < cursor.Source.Length && cursor.Source[after] == '\n';
        cursor.MoveTo(sign == '-' ? cursor.AfterWhitespace(after) : takesNewline ? after + 1 : after);
        return true;
    }

    private void ReadLexeme()
    {
        char first = cursor.Peek();
        if (char.IsAsciiDigit(first))
        {
            ReadNumber();
        }
        else if (first is '"' or '\'')
        {
            ReadString(first);
        }
        else if (IsNamePart(first))
        {
            ReadName();
        }
        else
        {
            ReadOperator();
        }
    }

    private static bool IsNamePart(char c) => c == '_' || char.IsLetterOrDigit(c)
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark;

    private void ReadName()
    {
        int end = cursor.Position + 1;
        while (end < cursor.Source.Length && IsNamePart(cursor.Source[end]))
        {
            end++;
        }

        lexemes.Add(new Lexeme(LexemeKind.Name, cursor.Source[cursor.Position..end], cursor.Line));
        cursor.MoveTo(end);
    }

    private void ReadOperator()
    {
        string? found = Array.Find(Operators, cursor.StartsWith);
        if (found is null)
        {
            throw cursor.Fail($"unexpected character {PythonFormat.Quote(cursor.Peek().ToString())}");
        }

        CheckBracket(found[0]);
        lexemes.Add(new Lexeme(LexemeKind.Operator, found, cursor.Line));
        cursor.Advance(found.Length);
    }

    private void CheckBracket(char c)
    {
        if (c is '(' or '[' or '{')
        {
            _brackets.Push(c == '(' ? ')' : c == '[' ? ']' : '}');
        }
        else if (c is ')' or ']' or '}')
        {
            if (_brackets.Count == 0)
            {
                throw cursor.Fail($"unexpected '{c}'");
            }

            char expected = _brackets.Pop();
            if (expected != c)
            {
                throw cursor.Fail($"unexpected '{c}', expected '{expected}'");
            }
        }
    }

    private void ReadString(char quote)
    {
        int start = cursor.Position + 1;
        int end = start;
        while (end < cursor.Source.Length && cursor.Source[end] != quote)
        {
            end += cursor.Source[end] == '\\' ? 2 : 1;
        }

        if (end >= cursor.Source.Length)
        {
            throw cursor.Fail($"a string that starts with {quote} is never closed");
        }

        string text = StringEscapes.Decode(cursor.Source.AsSpan(start, end - start), cursor);
        lexemes.Add(new Lexeme(LexemeKind.String, text, cursor.Line));
        cursor.MoveTo(end + 1);
    }

    private void ReadNumber()
    {
        string source = cursor.Source;
        int start = cursor.Position;
        char marker = char.ToLowerInvariant(cursor.Peek(1));
        int radix = source[start] != '0' ? 10 : marker switch { 'b' => 2, 'o' => 8, 'x' => 16, _ => 10 };
        if (radix != 10 && char.IsAsciiHexDigit(cursor.Peek(cursor.Peek(2) == '_' ? 3 : 2)))
        {
            ReadRadixInteger(radix);
            return;
        }

        int end = SkipDigits(start);
        bool isFloat = false;

        // In "a.0.5" the digits after the first dot are an index, not the start of a float.
        if (start == 0 || source[start - 1] != '.')
        {
            int fraction = end < source.Length && source[end] == '.' ? SkipDigits(end + 1) : end;
            isFloat = fraction > end + 1;
            end = isFloat ? fraction : end;
            int exponent = SkipExponent(end);
            isFloat |= exponent > end;
            end = exponent;
        }

        string digits = source[start..end].Replace("_", "", StringComparison.Ordinal);
        if (digits.Length > MaxIntegerDigits)
        {
            throw cursor.Fail($"a number of {digits.Length} digits is too long; at most {MaxIntegerDigits} are allowed");
        }

        if (!isFloat && digits.Length > 1 && digits[0] == '0' && digits.AsSpan().ContainsAnyExcept('0'))
        {
            throw cursor.Fail($"the number '{digits}' starts with a zero");
        }

        Value value = isFloat
            ? new FloatValue(double.Parse(digits, CultureInfo.InvariantCulture))
            : IntValue.Of(BigInteger.Parse(digits, CultureInfo.InvariantCulture));
        lexemes.Add(new Lexeme(isFloat ? LexemeKind.Float : LexemeKind.Integer, digits, cursor.Line, value));
        cursor.MoveTo(end);
    }

    private int SkipDigits(int position)
    {
        string source = cursor.Source;
        while (position < source.Length && (char.IsAsciiDigit(source[position])
            || (source[position] == '_' && position + 1 < source.Length && char.IsAsciiDigit(source[position + 1]) && char.IsAsciiDigit(source[position - 1]))))
        {
            position++;
        }

        return position;
    }

    private int SkipExponent(int position)
    {
        string source = cursor.Source;
        if (position >= source.Length || source[position] is not ('e' or 'E'))
        {
            return position;
        }

        int digits = position + 1 + (position + 1 < source.Length && source[position + 1] is '+' or '-' ? 1 : 0);
        int end = SkipDigits(digits);
        return end > digits ? end : position;
    }

    private void ReadRadixInteger(int radix)
    {
        int start = cursor.Position;
        int end = start + 2;
        BigInteger value = 0;
        for (; end < cursor.Source.Length && (char.IsAsciiHexDigit(cursor.Source[end]) || cursor.Source[end] == '_'); end++)
        {
            if (cursor.Source[end] == '_')
            {
                continue;
            }

            int digit = Convert.ToInt32(cursor.Source[end].ToString(), 16);
            if (digit >= radix || end - start > MaxIntegerDigits)
            {
                throw cursor.Fail($"'{cursor.Source.AsSpan(start, Math.Min(40, end + 1 - start))}' is no number of base {radix}");
            }

            value = (value * radix) + digit;
        }

        lexemes.Add(new Lexeme(LexemeKind.Integer, cursor.Source[start..end], cursor.Line, IntValue.Of(value)));
        cursor.MoveTo(end);
    }
}
