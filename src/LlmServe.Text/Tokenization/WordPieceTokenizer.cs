using System.Globalization;
using System.Text;
using LlmServe.Gguf;
using LlmServe.Text.Tokenization.PreTokenizers;

namespace LlmServe.Text.Tokenization;

/// <summary>
/// WordPiece (<c>bert</c>): text is freed of control characters, decomposed and freed of accents, lower-cased, and cut at white space, punctuation and Chinese
/// characters; each word becomes the longest tokens from its left, or the unknown token where that fails or the word has more than 100 characters. Words
/// are spelled with U+2581 in front, as GGUF vocabularies have it. The steps and their order are those of the models' own tokenizer (BERT's).
/// </summary>
internal sealed class WordPieceTokenizer : Tokenizer
{
    private const int LongestWord = 100; // code points
    private const int DottedCapitalI = 0x130;

    private readonly TokenTrie _trie = new(); // by bytes
    private readonly bool _lowerCase;
    private readonly bool _stripAccents;
    private readonly int _unknown;
    private readonly int? _first;
    private readonly int? _last;

    private WordPieceTokenizer(Vocabulary vocabulary, SpecialTokens specials, GgufMetadata metadata)
        : base(vocabulary, specials, EscapedText.Unescaped(vocabulary))
    {
        _lowerCase = !metadata.TryGetBool("tokenizer.ggml.normalizer.lowercase", out bool lower) || lower;
        _stripAccents = metadata.TryGetBool("tokenizer.ggml.normalizer.strip_accents", out bool strip) ? strip : _lowerCase;
        _unknown = specials.Unknown ?? throw TokenizerErrors.At("tokenizer.ggml.unknown_token_id", "nothing", "the token for words that no tokens spell");
        _first = specials.Bos;
        _last = specials.Id("seperator_token_id", 102); // spelled so in the format
        for (int id = 0; id < vocabulary.Count; id++)
        {
            _trie.Add(vocabulary.PieceBytes(id), id);
        }
    }

    /// <inheritdoc/>
    public override bool StripsLeadingSpace => true;

    /// <summary>Builds the tokenizer that a model file describes.</summary>
    public static WordPieceTokenizer Create(GgufMetadata metadata)
    {
        var vocabulary = Vocabulary.Read(metadata);
        long classToken = metadata.TryGetInt64("tokenizer.ggml.cls_token_id", out long id) ? id : 101;
        int? first = classToken >= 0 && classToken < vocabulary.Count ? (int)classToken : null;
        var specials = SpecialTokens.Read(metadata, vocabulary, new SpecialDefaults(Bos: first, Unknown: 100, AddBos: true));
        EscapedText.Spelled(vocabulary).Index(vocabulary);
        return new WordPieceTokenizer(vocabulary, specials, metadata);
    }

    /// <inheritdoc/>
    protected override void AppendStart(List<int> ids)
    {
        if (_first is int id)
        {
            ids.Add(id);
        }
    }

    /// <inheritdoc/>
    protected override void AppendEnd(List<int> ids)
    {
        if (_last is int id)
        {
            ids.Add(id);
        }
    }

    /// <inheritdoc/>
    protected override void EncodeText(ReadOnlySpan<char> text, bool afterSpecial, EncodeBuffers buffers, List<int> ids)
    {
        var points = buffers.Points;
        points.Clear();
        Clean(text, points);
        if (_stripAccents)
        {
            var decomposed = buffers.Decomposed;
            decomposed.Clear();
            CanonicalNormalizer.Decompose(points, decomposed);
            points = decomposed;
        }

        // Four bytes for each code point, and three for the U+2581 in front of a word.
        EncodeBuffers.Grow(ref buffers.Utf8, checked((points.Count + 1) * 4));
        EscapedText.Space.CopyTo(buffers.Utf8);
        var word = new Word(buffers.Utf8);
        foreach (int point in points)
        {
            var cls = CharClasses.Of(point);
            var category = CharUnicodeInfo.GetUnicodeCategory(point);
            if (_stripAccents && category == UnicodeCategory.NonSpacingMark)
            {
                continue;
            }

            bool alone = (cls & CharClass.Punctuation) != 0 || (point < 0x7F && (cls & CharClass.Symbol) != 0);
            if (alone || point == ' ')
            {
                buffers.Cancellation.ThrowIfCancellationRequested();
                EncodeWord(word, ids);
                word.Clear();
            }

            if (point != ' ')
            {
                word.Add(point, _lowerCase);
            }

            if (alone)
            {
                EncodeWord(word, ids);
                word.Clear();
            }
        }

        EncodeWord(word, ids);
    }

    /// <summary>Drops what is neither text nor white space, makes all white space blanks, and puts blanks around Chinese characters.</summary>
    private static void Clean(ReadOnlySpan<char> text, List<int> points)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            int c = rune.Value;
            if (c is not ('\t' or '\n' or '\r') && IsDropped(c))
            {
                continue;
            }

            bool isIdeograph = IsIdeograph(c);
            if (isIdeograph)
            {
                points.Add(' ');
            }

            points.Add((CharClasses.Of(c) & CharClass.Space) != 0 ? ' ' : c);
            if (isIdeograph)
            {
                points.Add(' ');
            }
        }
    }

    private static bool IsDropped(int c) => c is 0 or 0xFFFD
        || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate;

    // The block that begins at U+2B820 is missing from U+2B820 to U+2B91F, as it is in the tokenizer that the models were trained with.
    private static bool IsIdeograph(int c) => c
        is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF)
        or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);

    private void EncodeWord(in Word word, List<int> ids)
    {
        if (word.Points == 0)
        {
            return;
        }

        if (word.Points > LongestWord)
        {
            ids.Add(_unknown);
            return;
        }

        int before = ids.Count;
        for (var rest = word.Bytes; !rest.IsEmpty;)
        {
            int length = LongestToken(rest, out int id);
            if (length == 0)
            {
                ids.RemoveRange(before, ids.Count - before);
                ids.Add(_unknown);
                return;
            }

            ids.Add(id);
            rest = rest[length..];
        }
    }

    private int LongestToken(ReadOnlySpan<byte> word, out int id)
    {
        int longest = 0;
        int node = TokenTrie.Root;
        id = -1;
        for (int i = 0; i < word.Length && _trie.TryStep(ref node, word[i], out int token); i++)
        {
            if (token >= 0)
            {
                longest = i + 1;
                id = token;
            }
        }

        return longest;
    }

    /// <summary>The word at hand, spelled behind the U+2581 that the buffer begins with.</summary>
    private ref struct Word(byte[] buffer)
    {
        private int _length = EscapedText.Space.Length;

        /// <summary>Code points so far.</summary>
        public int Points { get; private set; }

        public readonly ReadOnlySpan<byte> Bytes => buffer.AsSpan(0, _length);

        public void Add(int point, bool lowerCase)
        {
            if (lowerCase && point == DottedCapitalI)
            {
                // The only capital whose small letter is two characters, which shows where accents stay.
                Append(new Rune('i'));
                Append(new Rune(0x307));
                return;
            }

            Append(lowerCase ? Rune.ToLowerInvariant(new Rune(point)) : new Rune(point));
        }

        public void Clear() => (_length, Points) = (EscapedText.Space.Length, 0);

        private void Append(Rune rune)
        {
            _length += rune.EncodeToUtf8(buffer.AsSpan(_length));
            Points++;
        }
    }
}
