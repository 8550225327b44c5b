using System.Globalization;

namespace LlmServe.Constraints.Languages;

/// <summary>
/// Reads a regular expression of ECMA-262 in Unicode mode: literals, escapes, classes, groups, alternatives, quantifiers greedy and lazy (which say the
/// same about whole texts), and <c>^ $</c>. Look-around, back references, word borders and flags are refused. <c>\d \w</c> are ASCII.
/// </summary>
internal sealed class RegexParser
{
    private const int LargestCount = 100_000;

    private readonly string _text;
    private readonly string _place;
    private readonly RegexFlags _flags;
    private readonly RegexEscapes _escapes;
    private readonly int _deepest;
    private int _at;
    private int _depth;

    private RegexParser(string text, string place, RegexFlags flags, int deepest)
    {
        (_text, _place, _flags, _deepest) = (text, place, flags, deepest);
        _escapes = new RegexEscapes(text, Refuse);
    }

    /// <summary>Reads an expression.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="place">Where it stands, for errors.</param>
    /// <param name="flags">How it is read.</param>
    /// <param name="deepest">Deepest nesting of groups.</param>
    /// <exception cref="ConstraintException">It is malformed, or uses what no automaton can do.</exception>
    public static RegexNode Parse(string text, string place, RegexFlags flags = RegexFlags.None, int deepest = 128)
    {
        var parser = new RegexParser(text, place, flags, deepest);
        var node = parser.ReadAlternation();
        if (parser._at < text.Length)
        {
            throw parser.Refuse(parser._at, "a closing parenthesis without an opening one");
        }

        return node;
    }

    private ConstraintException Refuse(int at, string message) => new(_place, $"regular expression, character {at + 1}: {message}");

    private char Peek(int ahead = 0) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private bool IsAtEnd => _at >= _text.Length;

    private RegexNode ReadAlternation()
    {
        if (++_depth > _deepest)
        {
            throw Refuse(_at, $"groups are nested more than {_deepest} deep");
        }

        var parts = new List<RegexNode> { ReadSequence() };
        while (!IsAtEnd && Peek() == '|')
        {
            _at++;
            parts.Add(ReadSequence());
        }

        _depth--;
        return parts.Count == 1 ? parts[0] : new RegexNode.Alternation(parts);
    }

    private RegexNode ReadSequence()
    {
        var parts = new List<RegexNode>();
        while (!IsAtEnd && Peek() is not '|' and not ')')
        {
            int start = _at;
            var atom = ReadAtom();
            parts.Add(ReadQuantifier(atom, start));
        }

        return parts.Count == 1 ? parts[0] : new RegexNode.Sequence(parts);
    }

    private RegexNode ReadAtom()
    {
        int start = _at;
        char c = _text[_at++];
        switch (c)
        {
            case '*' or '+' or '?' or '{':
                throw Refuse(start, $"'{c}' has nothing to repeat; write \\{c} for the character");
            case ']' or '}':
                throw Refuse(start, $"'{c}' without an opening bracket; write \\{c} for the character");
            case '^':
                return new RegexNode.TextStart();
            case '$':
                return new RegexNode.TextEnd();
            case '.':
                return new RegexNode.Chars(_flags.HasFlag(RegexFlags.DotMatchesAll) ? CodePointSet.All : RegexClasses.Dot);
            case '(':
                return ReadGroup(start);
            case '[':
                return CharsOf(ReadClass(start));
            case '\\':
                return CharsOf(_escapes.Read(ref _at, inClass: false));
            default:
                _at--;
                return CharsOf(CodePointSet.Of(ReadCodePoint()));
        }
    }

    private RegexNode.Chars CharsOf(CodePointSet set) => new(_flags.HasFlag(RegexFlags.IgnoreCase) ? CaseFolding.Close(set) : set);

    private int ReadCodePoint()
    {
        char c = _text[_at++];
        if (!char.IsSurrogate(c))
        {
            return c;
        }

        if (!char.IsHighSurrogate(c) || !char.IsLowSurrogate(Peek()))
        {
            throw Refuse(_at - 1, "half of a surrogate pair");
        }

        return char.ConvertToUtf32(c, _text[_at++]);
    }

    private RegexNode ReadGroup(int start)
    {
        if (Peek() == '?')
        {
            SkipGroupHead(start);
        }

        var body = ReadAlternation();
        if (Peek() != ')')
        {
            throw Refuse(start, "this group is not closed");
        }

        _at++;
        return body;
    }

    private void SkipGroupHead(int start)
    {
        char kind = Peek(1);
        if (kind == ':')
        {
            _at += 2;
            return;
        }

        if (kind == '<' && Peek(2) is not '=' and not '!')
        {
            int end = _text.IndexOf('>', _at);
            if (end < 0 || end == _at + 2)
            {
                throw Refuse(start, "this group's name is not closed");
            }

            _at = end + 1;
            return;
        }

        string what = kind switch
        {
            '=' or '!' => "look-ahead",
            '<' => "look-behind",
            '>' => "atomic groups",
            '(' => "conditions",
            _ => $"groups that begin with (?{(kind == '\0' ? "" : kind)}",
        };
        throw Refuse(start, $"{what} cannot be honoured");
    }

    private RegexNode ReadQuantifier(RegexNode atom, int start)
    {
        if (Peek() is not ('*' or '+' or '?' or '{') || IsAtEnd)
        {
            return atom;
        }

        int at = _at;
        if (atom is RegexNode.TextStart or RegexNode.TextEnd)
        {
            throw Refuse(at, "a place cannot be repeated");
        }

        (int least, int? most) = _text[_at++] switch
        {
            '*' => (0, (int?)null),
            '+' => (1, null),
            '?' => (0, 1),
            _ => ReadCounts(at),
        };
        if (Peek() == '?')
        {
            _at++;
        }
        else if (Peek() is '*' or '+' or '{')
        {
            throw Refuse(_at, "a quantifier after a quantifier has nothing to repeat");
        }

        return new RegexNode.Repeat(atom, least, most);
    }

    private (int, int?) ReadCounts(int at)
    {
        int end = _text.IndexOf('}', _at);
        string[] parts = end < 0 ? [] : _text[_at..end].Split(',');
        if (parts.Length is 0 or > 2 || !TryCount(parts[0], out int least))
        {
            throw Refuse(at, "a repetition must be {m}, {m,} or {m,n}; write \\{ for the character");
        }

        int? most = parts.Length == 1 ? least : null;
        if (parts.Length == 2 && parts[1].Length > 0)
        {
            most = TryCount(parts[1], out int value) ? value : throw Refuse(at, "a repetition must be {m}, {m,} or {m,n}");
        }

        if (most < least)
        {
            throw Refuse(at, $"the least count {least} is above the most {most}");
        }

        if (Math.Max(least, most ?? 0) > LargestCount)
        {
            throw Refuse(at, $"more than {LargestCount} repetitions are asked for");
        }

        _at = end + 1;
        return (least, most);
    }

    private static bool TryCount(string text, out int count) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count);

    private CodePointSet ReadClass(int start)
    {
        bool negated = Peek() == '^';
        _at += negated ? 1 : 0;
        var set = CodePointSet.None;
        while (Peek() != ']' || IsAtEnd)
        {
            if (IsAtEnd)
            {
                throw Refuse(start, "this class is not closed");
            }

            set = set.Union(ReadClassItem(start));
        }

        _at++;
        if (set.IsEmpty && !negated)
        {
            throw Refuse(start, "an empty class matches nothing");
        }

        set = _flags.HasFlag(RegexFlags.IgnoreCase) ? CaseFolding.Close(set) : set;
        return negated ? set.Complement() : set;
    }

    private CodePointSet ReadClassItem(int start)
    {
        int at = _at;
        var (set, low) = ReadClassAtom();
        if (Peek() != '-' || Peek(1) == ']' || _at + 1 >= _text.Length)
        {
            return set;
        }

        _at++;
        if (IsAtEnd)
        {
            throw Refuse(start, "this class is not closed");
        }

        int high = ReadClassAtom().Single;
        if (low < 0 || high < 0)
        {
            throw Refuse(at, "a range needs single characters at both ends");
        }

        return low <= high ? CodePointSet.Of(low, high) : throw Refuse(at, "the ends of this range are reversed");
    }

    /// <summary>One character or escape of a class; a single one is also given as such, else −1.</summary>
    private (CodePointSet Set, int Single) ReadClassAtom()
    {
        if (Peek() == '\\')
        {
            _at++;
            var set = _escapes.Read(ref _at, inClass: true);
            return (set, set.Ranges.Length == 1 && set.Ranges[0].Low == set.Ranges[0].High ? set.Ranges[0].Low : -1);
        }

        int codePoint = ReadCodePoint();
        return (CodePointSet.Of(codePoint), codePoint);
    }
}
