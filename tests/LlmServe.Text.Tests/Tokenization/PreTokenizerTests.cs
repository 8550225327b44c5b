using System.Text.RegularExpressions;
using LlmServe.Text.Tokenization.PreTokenizers;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>The scanners cut exactly where the regular expressions do that define them, and in linear time.</summary>
public sealed class PreTokenizerTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Contraction = @"'[sStTmMdD]|'[rR][eE]|'[vV][eE]|'[lL][lL]";
    private const string Tail = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Lead = @"[^\r\n\p{L}\p{N}]?";

    // Characters on which the rules differ; the classes of all are the same in every version of Unicode since 2005.
    private const string Alphabet = "aabZstrelLEvVmMdD'''  \t\n\n\r\v\u0085\u00A0\u2003\u3000\u2028019٣४²Ⅷ½.,;!-—(){}[]/\\#_«・$+<=>^~|`€→…"
        + "゛\u3099ー\u3040éßÀΩяЖǅʰªºअकאبคกあア世龥\u9FFF한ᄒ\u0301\u093F\u20DD\0\u0001\u001F\u200B\u200D\uFEFF\uE000▁™";

    public static TheoryData<string, string[]> Rules => new()
    {
        { "gpt-2", [Gpt2] },
        { "smollm", [@"\p{N}", Gpt2] },
        { "falcon", [@"[\p{P}$+<=>^~|`]+", Gpt2, "[0-9][0-9][0-9]"] },
        { "default", [@"[\p{P}$+<=>^~|]+", Gpt2, @"\p{N}+", "[0-9][0-9][0-9]"] },
        { "llama-bpe", [$@"{Contraction}|{Lead}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{Tail}"] },
        { "qwen2", [$@"{Contraction}|{Lead}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{Tail}"] },
        { "qwen35", [$@"{Contraction}|{Lead}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{Tail}"] },
        { "deepseek-coder", [@"[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", @"[\u0800-\u9FA5\uAC00-\uD7FF-[\s]]+", @"\p{N}"] },
        {
            "deepseek-v3",
            [@"\p{N}{1,3}", @"[\u4E00-\u9FA5\u3040-\u30FF]+",
                $@"[!-/:-@\[-`{{-~][A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+[\r\n]*|{Tail}"]
        },
        {
            "gpt-4o",
            [$@"{Lead}{Upper}*{Lower}+({Contraction})?|{Lead}{Upper}+{Lower}*({Contraction})?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{Tail}"]
        },
        { "tekken", [$@"{Lead}{Upper}*{Lower}+|{Lead}{Upper}+{Lower}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{Tail}"] },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void Next_RandomText_CutsWhereTheExpressionsDo(string name, string[] expressions)
    {
        var rule = PreTokenizerCatalog.Choose(name).Rule;
        Regex[] stages = [.. expressions.Select(expression => new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture))];
        var random = new Random(17);
        for (int i = 0; i < 8_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 24)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            Assert.Equal(stages.Aggregate(new List<string> { text }, Refine), Cut(rule, text));
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void Next_CharactersOutsideTheBasicPlane_AreNotCutApart(string name, string[] expressions)
    {
        var rule = PreTokenizerCatalog.Choose(name).Rule;
        Assert.NotEmpty(expressions);
        var random = new Random(5);
        string[] units = ["𐍈", "𝒜", "𠜎", "🙂", "𝟗", "\U000E0100", "a", " ", "1", "\uD83D", "\uDE42", "!"];
        for (int i = 0; i < 2000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => units[random.Next(units.Length)]));
            var pieces = Cut(rule, text);
            Assert.Equal(text, string.Concat(pieces));
            Assert.DoesNotContain(pieces.Zip(pieces.Skip(1)), pair => char.IsHighSurrogate(pair.First[^1]) && char.IsLowSurrogate(pair.Second[0]));
        }
    }

    [Fact]
    public void Next_LettersAndNumbersOutsideTheBasicPlane_HaveTheirClass()
    {
        Assert.Equal(["𐍈𝒜𠜎", " 𝟗", " 🙂!"], Cut(PreTokenizerCatalog.Choose("gpt-2").Rule, "𐍈𝒜𠜎 𝟗 🙂!"));
        Assert.Equal(["𝟗", "𝟗"], Cut(PreTokenizerCatalog.Choose("qwen2").Rule, "𝟗𝟗"));
        Assert.Equal(["𝒜a", "𐐀b"], Cut(PreTokenizerCatalog.Choose("gpt-4o").Rule, "𝒜a𐐀b"));
    }

    [Fact]
    public void Names_EveryOne_CutsAnyTextCompletely()
    {
        var random = new Random(9);
        Assert.True(PreTokenizerCatalog.Names.Count() > 40);
        foreach (string name in PreTokenizerCatalog.Names)
        {
            var rule = PreTokenizerCatalog.Choose(name).Rule;
            for (int i = 0; i < 50; i++)
            {
                string text = RoundTripTests.RandomText(random, 80);
                Assert.Equal(text, string.Concat(Cut(rule, text)));
            }
        }
    }

    private static List<string> Cut(PreTokenizer rule, string text)
    {
        var pieces = new List<string>();
        for (int start = 0; start < text.Length;)
        {
            int end = rule.Next(text, start);
            Assert.InRange(end, start + 1, text.Length);
            pieces.Add(text[start..end]);
            start = end;
        }

        return pieces;
    }

    /// <summary>Cuts every piece before and after each match.</summary>
    private static List<string> Refine(List<string> pieces, Regex expression)
    {
        var refined = new List<string>();
        foreach (string piece in pieces)
        {
            int done = 0;
            foreach (Match match in expression.Matches(piece))
            {
                refined.Add(piece[done..match.Index]);
                refined.Add(match.Value);
                done = match.Index + match.Length;
            }

            refined.Add(piece[done..]);
        }

        refined.RemoveAll(piece => piece.Length == 0);
        return refined;
    }
}
