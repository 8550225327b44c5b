using System.Text.RegularExpressions;
using LlmServe.Text.Tokenization.PreTokenizers;

namespace LlmServe.Text.Tests.Tokenization;

/// <summary>The scanners cut exactly where the regular expressions do that define them, and in linear time.</summary>
public sealed class PreTokenizerTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    private const string Contraction = @"'[sStTmMdD]|'[rR][eE]|'[vV][eE]|'[lL][lL]";
    private const string Tail = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string AsciiUpper = @"(?![a-z])\p{L}"; // as GGUF's tools run o200k, only ASCII letters have a case
    private const string AsciiLower = @"(?![A-Z])\p{L}";
    private const string Lead = @"[^\r\n\p{L}\p{N}]?";
    private const string O200kTail = $@" ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{Tail}";
    private const string Grouped = @"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))";
    private const string Han = @"[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF]";
    private const string Bloom = " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";

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
        { "gpt-4o", [$@"{Words(AsciiUpper, AsciiLower, $"({Contraction})?")}|\p{{N}}{{1,3}}|{O200kTail}"] },
        { "tekken", [$@"{Words(AsciiUpper, AsciiLower, "")}|\p{{N}}|{O200kTail}"] },
        { "granite-embed-multi-97m", [$@"{Words(@"(?![a-z])[\p{L}\p{M}]", @"(?![A-Z])[\p{L}\p{M}]", $"({Contraction})?")}|\p{{N}}{{1,3}}|{O200kTail}"] },
        { "tiny_aya", [Grouped, $@"{Lead}[\p{{L}}\p{{M}}]+({Contraction})?|\p{{N}}{{1,3}}|{O200kTail}"] },
        {
            "youtu",
            ["[\uAC00-\uD7A3\u3131-\u318E]+|[\uFF01\u2026\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\uFF0C\u3001-\u303F\uFE30-\uFE4F]+|[\u3105-\u312F]+"
                + "|[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+",
                $@"{Lead}[\p{{L}}\p{{M}}]+({Contraction})?|\p{{N}}|{O200kTail}"]
        },
        {
            "kimi-k2",
            [$@"{Han}+|{Lead}(?!{Han})\p{{L}}(?:(?!{Han})\p{{L}})*({Contraction})?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{Tail}"]
        },
        {
            "exaone-moe",
            [$@"{Contraction}|{Lead}(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"]
        },
        { "bailingmoe", [$@"{Contraction}|{Lead}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"] },
        { "seed-coder", [$@"{Contraction}|{Lead}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{Tail}"] },
        { "laguna", ["\n+", $@"{Contraction}|{Lead}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{Tail}"] },
        {
            "spark2_5",
            [@"\p{N}", @"[\u4E00-\u9FA5\u3040-\u30FF]+",
                @"[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+(?!\S)|\s+"]
        },
        {
            "afmoe",
            [Grouped,
                "[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u3040-\u30FF\uFF65-\uFF9F\u2F00-\u2FDF\u0E00-\u0EFF\u1780-\u17FF\u1000-\u109F\uAA60-\uAA7F"
                    + "\uA9E0-\uA9FF\uAC00-\uD7AF\u1100-\u11FF]+",
                $@"[!-/:-@\[-`{{-~][A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+[\r\n]*|{Tail}"]
        },
        { "superbpe", [Grouped] },
        { "bloom", [Bloom] },
        { "viking", [Bloom, @"\p{N}"] },
        {
            "chameleon",
            ["<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", @"[\t\n]|    |  ", @"\p{N}", @"[\p{P}!-/:-@\[-`{-~]", Gpt2]
        },
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
        Assert.Equal(["𝒜a𐐀b", "Ba"], Cut(PreTokenizerCatalog.Choose("gpt-4o").Rule, "𝒜a𐐀bBa"));
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

    [Fact]
    public void Cut_ManyOfOneThing_TakesLinearTime()
    {
        const int Length = 100_000; // a quadratic step would take minutes
        foreach (string name in PreTokenizerCatalog.Names)
        {
            var rule = PreTokenizerCatalog.Choose(name).Rule;
            foreach (string unit in new[] { "a", " ", "7", "\n", "'", "Aª", " a", "\u0301", "世", "\u3000", "\0", "a ", "IMGIMG", "<sentinel:" })
            {
                string text = string.Concat(Enumerable.Repeat(unit, Length / unit.Length));
                var ends = new List<int>();
                rule.Cut(text, ends, []);
                Assert.Equal(text.Length, ends[^1]);
            }
        }
    }

    private static string Words(string upper, string lower, string end) => $"{Lead}(?:{upper})*(?:{lower})+{end}|{Lead}(?:{upper})+(?:{lower})*{end}";

    private static List<string> Cut(PreTokenizer rule, string text)
    {
        var pieces = new List<string>();
        var ends = new List<int>();
        rule.Cut(text, ends, []);
        int start = 0;
        foreach (int end in ends)
        {
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
