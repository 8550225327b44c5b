namespace LlmServe.Constraints.Languages;

/// <summary>A part of a regular expression.</summary>
internal abstract record RegexNode
{
    /// <summary>One code point of a set.</summary>
    public sealed record Chars(CodePointSet Set) : RegexNode;

    /// <summary>Parts one after the other; none is the empty text.</summary>
    public sealed record Sequence(IReadOnlyList<RegexNode> Parts) : RegexNode;

    /// <summary>One of several parts.</summary>
    public sealed record Alternation(IReadOnlyList<RegexNode> Parts) : RegexNode;

    /// <summary>A part several times; without <paramref name="Most"/> as often as one likes.</summary>
    public sealed record Repeat(RegexNode Part, int Least, int? Most) : RegexNode;

    /// <summary>The place before the first code point.</summary>
    public sealed record TextStart : RegexNode;

    /// <summary>The place behind the last code point.</summary>
    public sealed record TextEnd : RegexNode;

    /// <summary>The empty text.</summary>
    public static RegexNode Empty { get; } = new Sequence([]);

    /// <summary>The text itself.</summary>
    public static RegexNode Literal(string text) => new Sequence([.. text.EnumerateRunes().Select(rune => new Chars(CodePointSet.Of(rune.Value)))]);
}
