using System.Text.Json;

namespace LlmServe.Constraints;

/// <summary>
/// A rule built from parts instead of written in a notation, as conversations need it for tool calls. Immutable; turned into a rule by
/// <see cref="ConstraintRule.Of"/>.
/// </summary>
public abstract record ConstraintPart
{
    private ConstraintPart()
    {
    }

    /// <summary>A text as it stands, written in any tokens.</summary>
    public sealed record Literal(string Text) : ConstraintPart;

    /// <summary>
    /// One token by its id, a control token for instance. A user-defined token that a rule names is nowhere else in the rule part of a text; its
    /// characters are, in other tokens.
    /// </summary>
    public sealed record Token(int Id) : ConstraintPart;

    /// <summary>JSON that a schema allows.</summary>
    /// <param name="Element">The schema.</param>
    /// <param name="CloseObjects">As <see cref="ConstraintRule.CloseObjects"/>.</param>
    /// <param name="Whitespace">As <see cref="ConstraintRule.Whitespace"/>.</param>
    public sealed record Schema(JsonElement Element, bool CloseObjects = false, JsonWhitespace Whitespace = JsonWhitespace.Bounded) : ConstraintPart
    {
        /// <summary>The schema; a copy, so that the document it came from may go.</summary>
        public JsonElement Element { get; } = Element.Clone();
    }

    /// <summary>Any JSON object.</summary>
    public sealed record JsonObject(JsonWhitespace Whitespace = JsonWhitespace.Bounded) : ConstraintPart;

    /// <summary>A text that a regular expression matches as a whole.</summary>
    public sealed record Regex(string Pattern) : ConstraintPart;

    /// <summary>A text of a rule in any notation.</summary>
    public sealed record Rule(ConstraintRule Inner) : ConstraintPart;

    /// <summary>Parts one after the other; none is the empty text.</summary>
    public sealed record Sequence(params IReadOnlyList<ConstraintPart> Parts) : ConstraintPart;

    /// <summary>One of several parts.</summary>
    public sealed record OneOf(params IReadOnlyList<ConstraintPart> Parts) : ConstraintPart;

    /// <summary>A part several times; without <paramref name="Most"/> as often as one likes.</summary>
    public sealed record Repeat(ConstraintPart Part, int Least, int? Most) : ConstraintPart;

    /// <summary>
    /// Any text, the empty one included, in which none of some texts occurs and none of some tokens. Control tokens are never part of it; of the others
    /// only user-defined ones need naming.
    /// </summary>
    public sealed record TextWithout(IReadOnlyList<string> Texts, IReadOnlyList<int> Tokens) : ConstraintPart;
}
