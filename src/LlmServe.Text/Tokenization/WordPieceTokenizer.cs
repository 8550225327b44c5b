using System.Text;
using LlmServe.Gguf;
using LlmServe.Text.Tokenization.PreTokenizers;

namespace LlmServe.Text.Tokenization;

/// <summary>
/// WordPiece (<c>bert</c>): text is lower-cased, freed of accents and cut at white space, punctuation and Chinese characters; each word becomes the
/// longest tokens from its left, or the unknown token where that fails. Words are spelled with U+2581 in front, as GGUF vocabularies have it.
/// </summary>
internal sealed class WordPieceTokenizer : Tokenizer
{
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
        int classToken = metadata.TryGetInt32("tokenizer.ggml.cls_token_id", out int id) ? id : 101;
        var specials = SpecialTokens.Read(metadata, vocabulary, new SpecialDefaults(Bos: classToken, Unknown: 100, AddBos: true));
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
        // Three bytes for each code unit, and as many for the U+2581 in front of a word.
        buffers.ReserveText(checked(text.Length + 1));
        EscapedText.Space.CopyTo(buffers.Utf8);
        int empty = EscapedText.Space.Length;
        int length = empty;
        foreach (var original in text.EnumerateRunes())
        {
            buffers.Cancellation.ThrowIfCancellationRequested();
            var rune = _stripAccents ? Decomposition.FirstOf(original) : original;
            var cls = CharClasses.Of(rune.Value);
            bool alone = IsAlone(rune.Value, cls);
            if (alone || (cls & CharClass.Space) != 0)
            {
                EncodeWord(buffers.Utf8.AsSpan(0, length), ids);
                length = empty;
            }

            if ((cls & CharClass.Space) != 0 || IsDropped(rune, cls))
            {
                continue;
            }

            length += (_lowerCase ? Rune.ToLowerInvariant(rune) : rune).EncodeToUtf8(buffers.Utf8.AsSpan(length));
            if (alone)
            {
                EncodeWord(buffers.Utf8.AsSpan(0, length), ids);
                length = empty;
            }
        }

        EncodeWord(buffers.Utf8.AsSpan(0, length), ids);
    }

    private bool IsDropped(Rune rune, CharClass cls) =>
        rune.Value == 0xFFFD || (_stripAccents && (cls & CharClass.Mark) != 0)
        || Rune.GetUnicodeCategory(rune) is System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.PrivateUse;

    private static bool IsAlone(int c, CharClass cls) =>
        (cls & CharClass.Punctuation) != 0 || (c < 0x7F && (cls & CharClass.Symbol) != 0)
        || c is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x20000 and <= 0x2A6DF)
            or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0x2F800 and <= 0x2FA1F);

    private void EncodeWord(ReadOnlySpan<byte> word, List<int> ids)
    {
        if (word.Length == EscapedText.Space.Length)
        {
            return;
        }

        int before = ids.Count;
        while (!word.IsEmpty)
        {
            int length = LongestToken(word, out int id);
            if (length == 0)
            {
                ids.RemoveRange(before, ids.Count - before);
                ids.Add(_unknown);
                return;
            }

            ids.Add(id);
            word = word[length..];
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
}
