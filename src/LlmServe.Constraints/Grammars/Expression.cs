using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Grammars;

/// <summary>What a rule of a grammar says.</summary>
internal abstract record Expression
{
    /// <summary>One code point of a set.</summary>
    public sealed record Chars(CodePointSet Set) : Expression;

    /// <summary>A text.</summary>
    public sealed record Literal(string Value) : Expression;

    /// <summary>A text of a language.</summary>
    public sealed record Text(Language Language) : Expression;

    /// <summary>One of some tokens, by id.</summary>
    public sealed record Tokens(IReadOnlyList<int> Ids) : Expression;

    /// <summary>A text of another rule, by its number.</summary>
    public sealed record Reference(int Rule) : Expression;

    /// <summary>Parts one after the other; none is the empty text.</summary>
    public sealed record Sequence(IReadOnlyList<Expression> Parts) : Expression;

    /// <summary>One of several parts; none is nothing at all.</summary>
    public sealed record Alternation(IReadOnlyList<Expression> Parts) : Expression;

    /// <summary>A part several times; without <paramref name="Most"/> as often as one likes.</summary>
    public sealed record Repeat(Expression Part, int Least, int? Most) : Expression;

    /// <summary>The empty text.</summary>
    public static Expression Empty { get; } = new Sequence([]);
}
