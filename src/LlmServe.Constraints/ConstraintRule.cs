using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace LlmServe.Constraints;

/// <summary>The notations in which a rule can be written.</summary>
public enum ConstraintKind
{
    /// <summary>Any JSON object; the rule's text is empty.</summary>
    JsonObject,

    /// <summary>A JSON Schema (draft 2020-12).</summary>
    JsonSchema,

    /// <summary>A regular expression (ECMA-262 without look-around and back references) that the whole text matches.</summary>
    Regex,

    /// <summary>A grammar in llama.cpp's GBNF notation.</summary>
    Gbnf,

    /// <summary>A grammar in the Lark notation.</summary>
    Lark,

    /// <summary>One of several texts; the rule's text is a JSON array of strings.</summary>
    Choice,

    /// <summary>Built from parts (<see cref="ConstraintRule.Of"/>).</summary>
    Composed,
}

/// <summary>White space between the tokens of JSON that a constraint writes.</summary>
public enum JsonWhitespace
{
    /// <summary>Up to one space, or a line break and up to 20 blanks, after braces, brackets, commas and colons.</summary>
    Bounded,

    /// <summary>None. More of the text is then determined by the schema, and written without the model.</summary>
    None,
}

/// <summary>What an answer must be: a notation, a text in it, and how it is read. Equal rules are compiled once.</summary>
/// <param name="Kind">The notation.</param>
/// <param name="Text">The rule.</param>
public sealed record ConstraintRule(ConstraintKind Kind, string Text)
{
    /// <summary>White space in JSON.</summary>
    public JsonWhitespace Whitespace { get; init; }

    /// <summary>Whether objects of a JSON schema without <c>additionalProperties</c> are closed, instead of open as the standard has it.</summary>
    public bool CloseObjects { get; init; }

    /// <summary>
    /// Whether keywords of a JSON schema that cannot be honoured are left out, and reported (<see cref="TokenConstraint.Relaxed"/>), instead of refused.
    /// </summary>
    public bool Relax { get; init; }

    /// <summary>What comes before the rule; null: nothing.</summary>
    public ConstraintPreamble? Preamble { get; init; }

    /// <summary>The parts of a rule of kind <see cref="ConstraintKind.Composed"/>.</summary>
    internal ConstraintPart? Part { get; private init; }

    /// <summary>A rule built from parts.</summary>
    public static ConstraintRule Of(ConstraintPart part) => new(ConstraintKind.Composed, PartText.Write(part)) { Part = part };

    /// <summary>Any text that may end anywhere; for rules that are nothing but a preamble.</summary>
    public static ConstraintRule AnyText { get; } = Of(new ConstraintPart.TextWithout([], []));

    /// <summary>A rule that allows one of several texts.</summary>
    public static ConstraintRule Choice(IEnumerable<string> texts) => new(ConstraintKind.Choice, JsonSerializer.Serialize(texts));

    /// <summary>Any JSON object.</summary>
    public static ConstraintRule JsonObject { get; } = new(ConstraintKind.JsonObject, "");

    /// <summary>A digest of everything that the rule says: SHA-256, in hexadecimal.</summary>
    public string Digest()
    {
        string preamble = Preamble is null ? "" : $"{PartText.Write(Preamble.End)}{Preamble.MostTokens}{(Preamble.Start is { } start ? PartText.Write(start) : "")}{Preamble.MostSpace}";
        string head = $"1\n{Kind}\n{Whitespace}\n{CloseObjects}\n{Relax}\n{preamble}\n";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(head + Text)));
    }
}
