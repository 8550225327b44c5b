using System.Runtime.CompilerServices;

namespace LlmServe.Text.Templates;

/// <summary>The parsers' shared view of the lexemes, and what they know about the place they are at.</summary>
internal sealed class LexemeStream(List<Lexeme> lexemes, TemplateLimits limits)
{
    private int _position;
    private int _depth;

    public Lexeme Current => lexemes[_position];

    public Lexeme Next => lexemes[Math.Min(_position + 1, lexemes.Count - 1)];

    /// <summary>Loops around this place inside the same macro: whether <c>break</c> has a meaning.</summary>
    public int LoopDepth { get; set; }

    /// <summary>Whether this place runs only if a condition holds, which is where unknown filters are let pass.</summary>
    public bool IsConditional { get; set; }

    /// <summary>
    /// Complaints about unknown filters and tests. They are errors of the template unless an inline <c>if</c> around them turns up.
    /// </summary>
    public List<TemplateSyntaxException> Unknown { get; } = [];

    /// <summary>Which special variables the macro around this place has mentioned so far.</summary>
    public SpecialNames Mentioned { get; set; }

    /// <summary>All names that are read somewhere in the template.</summary>
    public HashSet<string> Names { get; } = [];

    public Lexeme Take()
    {
        var lexeme = Current;
        if (lexeme.Kind != LexemeKind.End)
        {
            _position++;
        }

        return lexeme;
    }

    public bool IsOperator(string text) => Current.Kind == LexemeKind.Operator && Current.Text == text;

    public bool IsName(string text) => Current.Kind == LexemeKind.Name && Current.Text == text;

    public bool SkipOperator(string text) => SkipIf(IsOperator(text));

    public bool SkipName(string text) => SkipIf(IsName(text));

    public void ExpectOperator(string text)
    {
        if (!SkipOperator(text))
        {
            throw Unexpected($"'{text}'");
        }
    }

    public Lexeme Expect(LexemeKind kind, string description) => Current.Kind == kind ? Take() : throw Unexpected(description);

    public TemplateSyntaxException Unexpected(string expected) => Fail($"expected {expected}, found {Current.Describe()}");

    public TemplateSyntaxException Fail(string message) => new(message, Current.Line);

    /// <summary>Goes one level down; <see cref="Leave"/> comes back. Bounds the recursion of the parser.</summary>
    public void Enter()
    {
        if (++_depth > limits.Nesting)
        {
            throw TooDeep();
        }

        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateLimitException("Stack", "the template nests too deep for the thread's stack", Current.Line);
        }
    }

    public void Leave() => _depth--;

    /// <summary>Lets an expression pass that does not nest too deep. Bounds the recursion of its evaluation.</summary>
    public T Checked<T>(T expression)
        where T : Expression => expression.Depth <= limits.Nesting ? expression : throw TooDeep();

    private bool SkipIf(bool matches)
    {
        if (matches)
        {
            _position++;
        }

        return matches;
    }

    private TemplateLimitException TooDeep() =>
        new(nameof(TemplateLimits.Nesting), $"statements or expressions nest more than {limits.Nesting} deep", Current.Line);
}
