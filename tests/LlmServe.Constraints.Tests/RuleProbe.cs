using System.Text.Json;
using LlmServe.Text;

namespace LlmServe.Constraints.Tests;

/// <summary>One rule, asked about texts through bytes and through tokens at once.</summary>
internal sealed class RuleProbe
{
    private readonly ConstraintGrammar _grammar;
    private readonly TokenConstraint _constraint;
    private readonly List<int> _ids = [];

    public RuleProbe(ConstraintRule rule)
    {
        _grammar = ConstraintGrammar.Compile(rule, EmbeddedVocabulary.Vocabulary);
        _constraint = TokenConstraint.Create(_grammar, EmbeddedVocabulary.Vocabulary);
    }

    /// <summary>Checks <c>accept</c>, <c>reject</c>, <c>prefix_ok</c> and <c>prefix_bad</c> of a case.</summary>
    public void Expect(List<string> failures, string id, JsonElement element)
    {
        Expect(failures, id, "accepted", element.Texts("accept"), match => match.Accepted);
        Expect(failures, id, "rejected", element.Texts("reject"), match => !match.Accepted);
        Expect(failures, id, "a prefix", element.Texts("prefix_ok"), match => match.IsPrefix);
        Expect(failures, id, "no prefix", element.Texts("prefix_bad"), match => !match.IsPrefix);
    }

    /// <summary>Checks texts.</summary>
    public void Expect(List<string> failures, string id, string what, IEnumerable<string> texts, Predicate<ConstraintMatch> right)
    {
        foreach (string text in texts)
        {
            var bytes = _grammar.Match(text);
            if (!right(bytes))
            {
                failures.Add($"{id}: {JsonSerializer.Serialize(text)} should be {what}; it is {bytes}");
            }

            if (ThroughTokens(text) is { } tokens && (tokens.Accepted != bytes.Accepted || tokens.IsPrefix != bytes.IsPrefix))
            {
                failures.Add($"{id}: {JsonSerializer.Serialize(text)} is {bytes} through bytes and {tokens} through tokens");
            }
        }
    }

    /// <summary>How a text stands, found with masks alone.</summary>
    public ConstraintMatch ThroughTokens(string text)
    {
        _ids.Clear();
        EmbeddedVocabulary.Tokenizer.Encode(text, addSpecial: false, parseSpecial: false, _ids);
        var cursor = _constraint.Start();
        foreach (int id in _ids)
        {
            bool inMask = (cursor.Mask()[id >> 6] >> id & 1) != 0;
            Assert.Equal(inMask, cursor.TryAccept(id));
            if (!inMask)
            {
                return new ConstraintMatch(false, false, 0);
            }
        }

        int end = EmbeddedVocabulary.Tokenizer.EosId!.Value;
        bool mayEnd = (cursor.Mask()[end >> 6] >> end & 1) != 0;
        Assert.Equal(mayEnd, cursor.IsComplete);
        return new ConstraintMatch(mayEnd, true, null);
    }
}
