using System.Text;

namespace LlmServe.Constraints.Tests;

public class RandomGrammarTests
{
    private const int LongestChecked = 120;

    [Fact]
    public void Walks_ThroughRandomGrammars_BelongToThem()
    {
        int tooLong = 0;
        for (int seed = 0; seed < 500; seed++)
        {
            var grammar = new RandomGrammar(seed);
            var compiled = ConstraintGrammar.Compile(new ConstraintRule(ConstraintKind.Gbnf, grammar.Text));
            var constraint = TokenConstraint.Create(compiled, EmbeddedVocabulary.Vocabulary);
            var random = new Random(seed);
            byte[]? text = RandomWalk.Write(constraint, random, most: 100);
            if (text is null || text.Length > LongestChecked)
            {
                tooLong++; // it never came to an end, or the search would take too long
                continue;
            }

            string written = Encoding.UTF8.GetString(text);
            Assert.True(grammar.Accepts(written), $"seed {seed}: {written} of\n{grammar.Text}");
            AssertAgree(grammar, compiled, written, random, seed);
        }

        Assert.InRange(tooLong, 0, 60);
    }

    /// <summary>Texts near one that belongs to a grammar belong to it or do not, whoever is asked.</summary>
    private static void AssertAgree(RandomGrammar grammar, ConstraintGrammar compiled, string text, Random random, int seed)
    {
        Rune[] runes = [.. text.EnumerateRunes()];
        for (int i = 0; i < 20; i++)
        {
            int from = random.Next(runes.Length + 1);
            int to = random.Next(from, Math.Min(runes.Length, from + 3) + 1);
            string changed = string.Concat(runes[..from]) + "abé"[..random.Next(3)] + string.Concat(runes[to..]);
            Assert.True(grammar.Accepts(changed) == compiled.Match(changed).Accepted, $"seed {seed}: {changed} of\n{grammar.Text}");
        }
    }
}
