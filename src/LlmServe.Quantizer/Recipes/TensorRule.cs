using System.IO.Enumeration;
using LlmServe.Gguf.Formats;

namespace LlmServe.Quantizer.Recipes;

/// <summary>A format for the tensors whose names match a pattern; it goes before what a recipe says.</summary>
/// <param name="Pattern">A name in which <c>*</c> stands for any text and <c>?</c> for one character; <c>.weight</c> at the end may be left out.</param>
/// <param name="Format">The format.</param>
public sealed record TensorRule(string Pattern, BlockFormat Format)
{
    /// <summary>Reads <c>PATTERN=FORMAT</c>; null where it is none.</summary>
    public static TensorRule? Parse(string text)
    {
        int equals = text.LastIndexOf('=');
        if (equals <= 0)
        {
            return null;
        }

        string name = text[(equals + 1)..];
        var format = BlockFormat.All.FirstOrDefault(format => format.CanEncode && format.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        return format is null ? null : new TensorRule(text[..equals], format);
    }

    /// <summary>Whether the rule is about a tensor.</summary>
    public bool Matches(string tensor) =>
        FileSystemName.MatchesSimpleExpression(Pattern, tensor, ignoreCase: false) || FileSystemName.MatchesSimpleExpression($"{Pattern}.weight", tensor, ignoreCase: false);
}
