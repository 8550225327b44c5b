namespace LlmServe.Text.Templates;

/// <summary>
/// Cuts a template into text and tags, and drops the whitespace that belongs to neither: <c>trim_blocks</c>, <c>lstrip_blocks</c>, the
/// <c>-</c> and <c>+</c> signs of tags, and one newline at the very end.
/// </summary>
internal sealed class Lexer
{
    private readonly SourceCursor _cursor;
    private readonly ExpressionLexer _expressions;
    private readonly List<Lexeme> _lexemes = [];

    // Whether the last tag took a newline with it, so that the next text starts a line.
    private bool _atLineStart = true;

    private Lexer(string source)
    {
        _cursor = new SourceCursor(source);
        _expressions = new ExpressionLexer(_cursor, _lexemes);
    }

    public static List<Lexeme> Tokenize(string source)
    {
        source = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        var lexer = new Lexer(source.EndsWith('\n') ? source[..^1] : source);
        lexer.Run();
        return lexer._lexemes;
    }

    private void Run()
    {
        while (!_cursor.AtEnd)
        {
            int opening = FindOpening(_cursor.Position);
            if (opening < 0)
            {
                AddData(_cursor.Source[_cursor.Position..], _cursor.Line);
                _cursor.MoveTo(_cursor.Source.Length);
                break;
            }

            ReadTag(opening);
        }

        _lexemes.Add(new Lexeme(LexemeKind.End, "", _cursor.Line));
    }

    private int FindOpening(int position)
    {
        string source = _cursor.Source;
        while ((position = source.IndexOf('{', position)) >= 0 && position + 1 < source.Length)
        {
            if (source[position + 1] is '{' or '%' or '#')
            {
                return position;
            }

            position++;
        }

        return -1;
    }

    private void ReadTag(int opening)
    {
        string source = _cursor.Source;
        char kind = source[opening + 1];
        char sign = opening + 2 < source.Length && source[opening + 2] is '-' or '+' ? source[opening + 2] : '\0';
        AddData(StripBeforeTag(source[_cursor.Position..opening], sign, kind != '{'), _cursor.Line);
        _cursor.MoveTo(opening);
        int bodyStart = opening + (sign == '\0' ? 2 : 3);
        switch (kind)
        {
            case '#':
                ReadComment(bodyStart);
                break;
            case '{':
                ReadExpressions(LexemeKind.VariableBegin, LexemeKind.VariableEnd, bodyStart);
                break;
            default:
                if (!TryReadRaw(bodyStart))
                {
                    ReadExpressions(LexemeKind.BlockBegin, LexemeKind.BlockEnd, bodyStart);
                }

                break;
        }

        _atLineStart = source[_cursor.Position - 1] == '\n';
    }

    private void ReadExpressions(LexemeKind begin, LexemeKind end, int bodyStart)
    {
        _lexemes.Add(new Lexeme(begin, "", _cursor.Line));
        _cursor.MoveTo(bodyStart);
        _expressions.ReadUntil(end);
    }

    private void ReadComment(int bodyStart)
    {
        int end = _cursor.Source.IndexOf("#}", bodyStart, StringComparison.Ordinal);
        if (end < 0)
        {
            throw _cursor.Fail("a comment '{#' has no '#}'");
        }

        char sign = end > bodyStart ? _cursor.Source[end - 1] : '\0';
        _cursor.MoveTo(AfterBlockEnd(end + 2, sign));
    }

    /// <summary>Where the template goes on after <c>%}</c> or <c>#}</c> with the given sign before it.</summary>
    private int AfterBlockEnd(int position, char sign) => sign switch
    {
        '-' => _cursor.AfterWhitespace(position),
        '+' => position,
        _ => position < _cursor.Source.Length && _cursor.Source[position] == '\n' ? position + 1 : position,
    };

    /// <summary>Reads <c>{% raw %} … {% endraw %}</c> as text, if that is what stands here.</summary>
    private bool TryReadRaw(int bodyStart)
    {
        if (!TryMatchWordTag(bodyStart, "raw", out int textStart, out char sign))
        {
            return false;
        }

        // Unlike other tags, raw keeps the newline after it.
        textStart = sign == '-' ? _cursor.AfterWhitespace(textStart) : textStart;
        int line = _cursor.Line;
        bool atLineStart = _cursor.Source[textStart - 1] == '\n';
        for (int tag = textStart; (tag = _cursor.Source.IndexOf("{%", tag, StringComparison.Ordinal)) >= 0; tag++)
        {
            char begin = tag + 2 < _cursor.Source.Length && _cursor.Source[tag + 2] is '-' or '+' ? _cursor.Source[tag + 2] : '\0';
            if (TryMatchWordTag(tag + (begin == '\0' ? 2 : 3), "endraw", out int after, out char endSign))
            {
                _cursor.MoveTo(textStart);
                _atLineStart = atLineStart;
                AddData(StripBeforeTag(_cursor.Source[textStart..tag], begin, true), _cursor.Line);
                _cursor.MoveTo(AfterBlockEnd(after, endSign));
                return true;
            }
        }

        throw new TemplateSyntaxException("a block '{% raw %}' has no '{% endraw %}'", line);
    }

    /// <summary>Matches the rest of a tag that holds one word and nothing else.</summary>
    private bool TryMatchWordTag(int position, string word, out int after, out char sign)
    {
        string source = _cursor.Source;
        after = 0;
        sign = '\0';
        position = _cursor.AfterWhitespace(position);
        if (string.CompareOrdinal(source, position, word, 0, word.Length) != 0)
        {
            return false;
        }

        position = _cursor.AfterWhitespace(position + word.Length);
        if (position < source.Length && source[position] is '-' or '+')
        {
            sign = source[position++];
        }

        after = position + 2;
        return string.CompareOrdinal(source, position, "%}", 0, 2) == 0;
    }

    /// <summary>Drops from the text before a tag what the tag's sign, or <c>lstrip_blocks</c>, takes away.</summary>
    private string StripBeforeTag(string text, char sign, bool isBlock)
    {
        if (sign == '-')
        {
            return PythonText.StripEnd(text);
        }

        if (sign == '+' || !isBlock)
        {
            return text;
        }

        int lineStart = text.LastIndexOf('\n') + 1;
        bool startsLine = lineStart > 0 || _atLineStart;
        return startsLine && PythonText.StripEnd(text).Length <= lineStart ? text[..lineStart] : text;
    }

    private void AddData(string text, int line)
    {
        if (text.Length > 0)
        {
            _lexemes.Add(new Lexeme(LexemeKind.Data, text, line));
        }
    }
}
