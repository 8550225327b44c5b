namespace LlmServe.Text.Tokenization.PreTokenizers;

/// <summary>The rules that are several expressions one after the other, each applied to what the ones before left whole.</summary>
internal static class Cascades
{
    // The letters of cased scripts, as DeepSeek LLM's expression lists them: pairs of first and last.
    private const string CasedLetters =
        "AZaz\u00B5\u00B5\u00C0\u00D6\u00D8\u00F6\u00F8\u01BA\u01BC\u01BF\u01C4\u0293\u0295\u02AF\u0370\u0373\u0376\u0377\u037B\u037D\u037F\u037F\u0386\u0386"
        + "\u0388\u038A\u038C\u038C\u038E\u03A1\u03A3\u03F5\u03F7\u0481\u048A\u052F\u0531\u0556\u10A0\u10C5\u13A0\u13F5\u13F8\u13FD\u1C90\u1CBA\u1CBD\u1CBF"
        + "\u1D00\u1D2B\u1D6B\u1D77\u1D79\u1D9A\u1E00\u1F15\u1F18\u1F1D\u1F20\u1F45\u1F48\u1F4D\u1F50\u1F57\u1F59\u1F59\u1F5B\u1F5B\u1F5D\u1F5D\u1F5F\u1F7D"
        + "\u1F80\u1FB4\u1FB6\u1FBC\u1FBE\u1FBE\u1FC2\u1FC4\u1FC6\u1FCC\u1FD0\u1FD3\u1FD6\u1FDB\u1FE0\u1FEC\u1FF2\u1FF4\u1FF6\u1FFC\u2102\u2102\u2107\u2107"
        + "\u210A\u2113\u2115\u2115\u2119\u211D\u2124\u2124\u2126\u2126\u2128\u2128\u212A\u212D\u212F\u2134\u2139\u2139\u213C\u213F\u2145\u2149\u214E\u214E"
        + "\u2183\u2184\u2C00\u2C7B\u2C7E\u2CE4\u2CEB\u2CEE\u2CF2\u2CF3\uA640\uA66D\uA680\uA69B\uA722\uA76F\uA771\uA787\uA78B\uA78E\uAB70\uABBF\uFB00\uFB06"
        + "\uFB13\uFB17\uFF21\uFF3A\uFF41\uFF5A";

    /// <summary><c>\p{N}{1,3}</c>, <c>[一-龥぀-ゟ゠-ヿ]+</c>, then <see cref="DeepSeek3Rule"/>.</summary>
    public static CascadeRule DeepSeek3 { get; } = new(new NumberStage(most: 3), new RunStage(static (c, _) => IsKanaOrHan(c)), new RuleStage(new DeepSeek3Rule()));

    /// <summary>As <see cref="DeepSeek3"/>, numbers and line breaks one by one.</summary>
    public static CascadeRule Spark { get; } = new(
        new NumberStage(most: 1), new RunStage(static (c, _) => IsKanaOrHan(c)), new RuleStage(new DeepSeek3Rule(singles: true)));

    /// <summary>Numbers in groups of three from their end, scripts of East and South-East Asia, then <see cref="DeepSeek3Rule"/>.</summary>
    public static CascadeRule Afmoe { get; } = new(new DigitGroupStage(), new RunStage(static (c, _) => IsAsian(c)), new RuleStage(new DeepSeek3Rule()));

    /// <summary>
    /// <c>[\r\n]</c>, <c>\s?</c> and cased letters, <c>\s?[!-/:-~！-／：-～‘-‟　-。]+</c>, <c>\s+$</c>, <c>[一-龥ࠀ-一가-퟿]+</c>, <c>\p{N}+</c>. In
    /// the ranges, white space does not count.
    /// </summary>
    public static CascadeRule DeepSeekLlm { get; } = new(
        new RunStage(static (c, _) => c is '\r' or '\n', single: true),
        new RunStage(static (c, _) => IsCasedLetter(c), lead: RunStage.Lead.Space),
        new RunStage(
            static (c, _) => c is (>= '!' and <= '/') or (>= ':' and <= '~') or (>= 0xFF01 and <= 0xFF0F) or (>= 0xFF1A and <= 0xFF5E)
                or (>= 0x2018 and <= 0x201F) or 0x3001 or 0x3002,
            lead: RunStage.Lead.Space),
        new TrailingSpaceStage(),
        new RunStage(static (c, cls) => (c is (>= 0x800 and <= 0x9FA5) or (>= 0xAC00 and <= 0xD7FF)) && (cls & CharClass.Space) == 0),
        new NumberStage(most: int.MaxValue));

    /// <summary>Runs of line feeds, then Qwen 2's rule.</summary>
    public static CascadeRule Laguna { get; } = new(new RunStage(static (c, _) => c == '\n'), new RuleStage(new Llama3Rule(digits: 1)));

    /// <summary>Numbers in groups of three from their end, then o200k's rule with whole words.</summary>
    public static CascadeRule TinyAya { get; } = new(new DigitGroupStage(), new RuleStage(new O200kRule(cases: false, marks: true, digits: 3, contractions: true)));

    /// <summary>Hangul, Eastern punctuation, Bopomofo, kana and Chinese characters, each in runs; then o200k's rule with whole words.</summary>
    public static CascadeRule Youtu { get; } = new(
        new RunStage(static (c, _) => c is (>= 0xAC00 and <= 0xD7A3) or (>= 0x3131 and <= 0x318E)),
        new RunStage(static (c, _) => c is 0xFF01 or 0x2026 or 0x201C or 0x201D or 0x2018 or 0x2019 or 0x2014 or 0xFF1A or 0xFF1B or 0xFF0C
            or (>= 0x3001 and <= 0x303F) or (>= 0xFE30 and <= 0xFE4F)),
        new RunStage(static (c, _) => c is >= 0x3105 and <= 0x312F),
        new RunStage(static (c, _) => IsKanaOrHan(c)),
        new RuleStage(new O200kRule(cases: false, marks: true, digits: 1, contractions: true)));

    /// <summary>Numbers in groups of three from their end; all else is whole.</summary>
    public static CascadeRule SuperBpe { get; } = new(new DigitGroupStage());

    /// <summary><c> ?[^(\s|.,!?…。，、।۔،)]+</c>.</summary>
    public static CascadeRule Bloom { get; } = new(BloomWords());

    /// <summary>BLOOM's rule, then <c>\p{N}</c>.</summary>
    public static CascadeRule Viking { get; } = new(BloomWords(), new NumberStage(most: 1));

    /// <summary>Written-out image tokens, indentation, <c>\p{N}</c>, every punctuation character or ASCII sign alone, then GPT-2's rule.</summary>
    public static CascadeRule Chameleon { get; } = new(
        new ImageTokenStage(),
        new IndentStage(),
        new NumberStage(most: 1),
        new RunStage(
            static (c, cls) => (cls & CharClass.Punctuation) != 0 || c is (>= '!' and <= '/') or (>= ':' and <= '@') or (>= '[' and <= '`') or (>= '{' and <= '~'),
            single: true),
        new RuleStage(new Gpt2Rule(Gpt2Rule.Variant.Plain)));

    private static RunStage BloomWords() => new(
        static (c, cls) => (cls & CharClass.Space) == 0 && c is not ('(' or '|' or '.' or ',' or '!' or '?' or ')'
            or 0x2026 or 0x3002 or 0xFF0C or 0x3001 or 0x0964 or 0x06D4 or 0x060C),
        lead: RunStage.Lead.Blank);

    private static bool IsKanaOrHan(int c) => c is (>= 0x4E00 and <= 0x9FA5) or (>= 0x3040 and <= 0x30FF);

    private static bool IsAsian(int c) => c is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x3040 and <= 0x30FF)
        or (>= 0xFF65 and <= 0xFF9F) or (>= 0x2F00 and <= 0x2FDF) or (>= 0x0E00 and <= 0x0EFF) or (>= 0x1780 and <= 0x17FF) or (>= 0x1000 and <= 0x109F)
        or (>= 0xAA60 and <= 0xAA7F) or (>= 0xA9E0 and <= 0xA9FF) or (>= 0xAC00 and <= 0xD7AF) or (>= 0x1100 and <= 0x11FF);

    private static bool IsCasedLetter(int c)
    {
        for (int i = 0; i < CasedLetters.Length && c >= CasedLetters[i]; i += 2)
        {
            if (c <= CasedLetters[i + 1])
            {
                return true;
            }
        }

        return c is (>= 0x10400 and <= 0x1044F) or (>= 0x104B0 and <= 0x104D3) or (>= 0x104D8 and <= 0x104FB) or (>= 0x10C80 and <= 0x10CB2)
            or (>= 0x10CC0 and <= 0x10CF2) or (>= 0x118A0 and <= 0x118DF) or (>= 0x1E900 and <= 0x1E943);
    }
}
