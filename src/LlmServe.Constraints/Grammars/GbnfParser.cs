using System.Globalization;
using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Grammars;

/// <summary>
/// Reads a grammar in llama.cpp's GBNF notation: rules <c>name ::= …</c>, alternatives, groups, <c>* + ? {m} {m,} {m,n}</c>, literals, classes,
/// <c>.</c>, comments, and tokens as <c>&lt;[id]&gt;</c> or <c>&lt;name&gt;</c>. The text is a <c>root</c>.
/// </summary>
internal sealed class GbnfParser
{
    private readonly TextCursor _cursor;
    private readonly ConstraintVocabulary? _vocabulary;
    private readonly WorkMeter _meter;
    private readonly RuleSet _rules = new();
    private readonly Dictionary<string, int> _numbers = [];
    private readonly Dictionary<int, Expression> _bodies = [];
    private readonly Dictionary<string, int> _firstUses = [];
    private int _depth;

    private GbnfParser(string text, ConstraintVocabulary? vocabulary, WorkMeter meter)
    {
        (_cursor, _vocabulary, _meter) = (new TextCursor(text), vocabulary, meter);
    }

    /// <summary>Reads a grammar.</summary>
    /// <exception cref="ConstraintException">It is malformed.</exception>
    public static RuleSet Parse(string text, ConstraintVocabulary? vocabulary, WorkMeter meter)
    {
        var parser = new GbnfParser(text, vocabulary, meter);
        parser.SkipSpace(lineEnds: true);
        while (!parser._cursor.IsAtEnd)
        {
            parser.ReadRule();
        }

        return parser.Finish();
    }

    private RuleSet Finish()
    {
        if (!_numbers.TryGetValue("root", out int root) || !_bodies.ContainsKey(root))
        {
            throw new ConstraintException("the grammar", "it has no rule named root");
        }

        foreach (var (name, number) in _numbers)
        {
            if (!_bodies.ContainsKey(number))
            {
                throw _cursor.Refuse(_firstUses[name], $"there is no rule named {name}");
            }
        }

        var writer = new ExpressionWriter(_rules, _meter);
        foreach (var (number, body) in _bodies)
        {
            writer.WriteRule(number, body);
        }

        _rules.Root = root;
        return _rules;
    }

    private void SkipSpace(bool lineEnds)
    {
        while (!_cursor.IsAtEnd)
        {
            char c = _cursor.Peek();
            if (c == '#')
            {
                _cursor.TakeWhile(other => other is not '\r' and not '\n');
            }
            else if (c is ' ' or '\t' || (lineEnds && (c is '\r' or '\n')))
            {
                _cursor.At++;
            }
            else
            {
                return;
            }
        }
    }

    private void ReadRule()
    {
        int start = _cursor.At;
        string name = ReadName();
        SkipSpace(lineEnds: false);
        if (!_cursor.TrySkip("::="))
        {
            throw _cursor.Refuse($"'::=' must follow the rule's name, not {_cursor.Found}");
        }

        SkipSpace(lineEnds: true);
        int number = NumberOf(name, start);
        var body = ReadAlternatives(nested: false);
        if (!_bodies.TryAdd(number, body))
        {
            throw _cursor.Refuse(start, $"rule {name} is defined twice");
        }

        if (!_cursor.IsAtEnd && _cursor.Peek() is not '\r' and not '\n')
        {
            throw _cursor.Refuse($"{_cursor.Found} has no meaning here");
        }

        SkipSpace(lineEnds: true);
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '-';

    private string ReadName()
    {
        string name = _cursor.TakeWhile(IsWord);
        return name.Length > 0 ? name : throw _cursor.Refuse($"a rule's name of letters, digits and dashes must stand here, not {_cursor.Found}");
    }

    private int NumberOf(string name, int at)
    {
        if (!_numbers.TryGetValue(name, out int number))
        {
            number = _rules.Add(name);
            _numbers.Add(name, number);
            _firstUses.Add(name, at);
        }

        return number;
    }

    private Expression ReadAlternatives(bool nested)
    {
        if (++_depth > _meter.Limits.MaxDepth)
        {
            throw _cursor.Refuse($"groups are nested more than {_meter.Limits.MaxDepth} deep");
        }

        var parts = new List<Expression> { ReadSequence(nested) };
        while (_cursor.TrySkip("|"))
        {
            SkipSpace(lineEnds: true);
            parts.Add(ReadSequence(nested));
        }

        _depth--;
        return parts.Count == 1 ? parts[0] : new Expression.Alternation(parts);
    }

    private Expression ReadSequence(bool nested)
    {
        var parts = new List<Expression>();
        while (TryReadItem() is { } item)
        {
            SkipSpace(nested);
            while (_cursor.Peek() is '*' or '+' or '?' or '{' && !_cursor.IsAtEnd)
            {
                item = ReadRepetition(item);
                SkipSpace(nested);
            }

            parts.Add(item);
        }

        return parts.Count == 1 ? parts[0] : new Expression.Sequence(parts);
    }

    private Expression? TryReadItem()
    {
        int start = _cursor.At;
        switch (_cursor.Peek())
        {
            case '"':
                return ReadLiteral();
            case '[':
                return new Expression.Chars(ReadClass());
            case '.':
                _cursor.At++;
                return new Expression.Chars(CodePointSet.All);
            case '<':
                return ReadToken();
            case '(':
                _cursor.At++;
                SkipSpace(lineEnds: true);
                var group = ReadAlternatives(nested: true);
                return _cursor.TrySkip(")") ? group : throw _cursor.Refuse(start, "this group is not closed");
            case '*' or '+' or '?' or '{' when !_cursor.IsAtEnd:
                throw _cursor.Refuse($"{_cursor.Found} has nothing to repeat");
            default:
                return IsWord(_cursor.Peek()) ? new Expression.Reference(NumberOf(ReadName(), start)) : null;
        }
    }

    private Expression ReadLiteral()
    {
        int start = _cursor.At++;
        var text = new System.Text.StringBuilder();
        while (_cursor.Peek() != '"' || _cursor.IsAtEnd)
        {
            if (_cursor.IsAtEnd)
            {
                throw _cursor.Refuse(start, "this literal has no closing quote");
            }

            int at = _cursor.At;
            int codePoint = ReadCharacter();
            text.Append(System.Text.Rune.IsValid(codePoint)
                ? new System.Text.Rune(codePoint).ToString() : throw _cursor.Refuse(at, $"U+{codePoint:X4} is no character"));
        }

        _cursor.At++;
        return new Expression.Literal(text.ToString());
    }

    private int ReadCharacter()
    {
        if (_cursor.Peek() != '\\')
        {
            return _cursor.ReadCodePoint();
        }

        int start = _cursor.At++;
        char escape = _cursor.IsAtEnd ? throw _cursor.Refuse(start, "a backslash at the end") : _cursor.Peek();
        _cursor.At++;
        return escape switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '\\' or '"' or '[' or ']' or '-' => escape,
            'x' => ReadHex(2, start),
            'u' => ReadHex(4, start),
            'U' => ReadHex(8, start),
            _ => throw _cursor.Refuse(start, $"'\\{escape}' is no escape; \\n \\r \\t \\\\ \\\" \\[ \\] \\- \\xHH \\uHHHH \\UHHHHHHHH are"),
        };
    }

    private int ReadHex(int digits, int start)
    {
        if (_cursor.At + digits > _cursor.Text.Length || !_cursor.Text.AsSpan(_cursor.At, digits).ContainsOnlyHex())
        {
            throw _cursor.Refuse(start, $"{digits} hexadecimal digits must follow");
        }

        long value = long.Parse(_cursor.Text.AsSpan(_cursor.At, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        _cursor.At += digits;
        return value <= 0x10FFFF ? (int)value : throw _cursor.Refuse(start, "the code point is above 10FFFF");
    }

    private CodePointSet ReadClass()
    {
        int start = _cursor.At++;
        bool negated = _cursor.TrySkip("^");
        var ranges = new List<CodePointRange>();
        while (_cursor.Peek() != ']' || _cursor.IsAtEnd)
        {
            int at = _cursor.At;
            int low = _cursor.IsAtEnd ? throw _cursor.Refuse(start, "this class is not closed") : ReadCharacter();
            int high = low;
            if (_cursor.Peek() == '-' && _cursor.Peek(1) != ']')
            {
                _cursor.At++;
                high = _cursor.IsAtEnd ? throw _cursor.Refuse(start, "this class is not closed") : ReadCharacter();
            }

            ranges.Add(low <= high ? new CodePointRange(low, high) : throw _cursor.Refuse(at, "the ends of this range are reversed"));
        }

        _cursor.At++;
        if (ranges.Count == 0 && !negated)
        {
            throw _cursor.Refuse(start, "an empty class matches nothing");
        }

        var set = CodePointSet.Of(ranges);
        return negated ? set.Complement() : set;
    }

    private Expression.Repeat ReadRepetition(Expression part)
    {
        int start = _cursor.At;
        if (part is Expression.Literal { Value: "" })
        {
            throw _cursor.Refuse($"{_cursor.Found} has nothing to repeat but the empty text");
        }

        char kind = _cursor.Peek();
        _cursor.At++;
        if (kind != '{')
        {
            return new Expression.Repeat(part, kind == '+' ? 1 : 0, kind == '?' ? 1 : null);
        }

        SkipSpace(lineEnds: false);
        int least = ReadCount();
        int? most = least;
        SkipSpace(lineEnds: false);
        if (_cursor.TrySkip(","))
        {
            SkipSpace(lineEnds: false);
            most = char.IsAsciiDigit(_cursor.Peek()) ? ReadCount() : null;
            SkipSpace(lineEnds: false);
        }

        if (!_cursor.TrySkip("}"))
        {
            throw _cursor.Refuse(start, "this repetition is not closed");
        }

        return most is null || most >= least
            ? new Expression.Repeat(part, least, most) : throw _cursor.Refuse(start, $"the least count {least} is above the most {most}");
    }

    private int ReadCount()
    {
        int start = _cursor.At;
        string digits = _cursor.TakeWhile(char.IsAsciiDigit);
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count : throw _cursor.Refuse(start, digits.Length > 0 ? "the count is too large" : $"a count must stand here, not {_cursor.Found}");
    }

    private Expression.Tokens ReadToken()
    {
        int start = _cursor.At;
        int end = _cursor.Text.IndexOf('>', start);
        string name = end < 0 ? throw _cursor.Refuse(start, "this token has no closing '>'") : _cursor.Text[start..(end + 1)];
        _cursor.At = end + 1;
        return new Expression.Tokens([TokenNames.Find(name, _vocabulary) ?? throw _cursor.Refuse(start, TokenNames.WhyNot(name, _vocabulary))]);
    }
}
