using System.Globalization;

namespace LlmServe.Constraints.Grammars;

/// <summary>Single tokens as grammars name them: <c>&lt;[id]&gt;</c>, or as the vocabulary spells them, brackets included.</summary>
internal static class TokenNames
{
    /// <summary>The id of a token; null if there is none.</summary>
    public static int? Find(string name, ConstraintVocabulary? vocabulary)
    {
        if (vocabulary is null)
        {
            return null;
        }

        if (!name.StartsWith("<[", StringComparison.Ordinal) || !name.EndsWith("]>", StringComparison.Ordinal))
        {
            return vocabulary.FindToken(name);
        }

        return int.TryParse(name.AsSpan(2, name.Length - 4), NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id < vocabulary.Size ? id : null;
    }

    /// <summary>What to say where <see cref="Find"/> found nothing.</summary>
    public static string WhyNot(string name, ConstraintVocabulary? vocabulary) => vocabulary is null
        ? $"{name} is a token of a model's vocabulary, and no model is given"
        : $"the model's vocabulary of {vocabulary.Size} tokens has no single token {name}";
}
