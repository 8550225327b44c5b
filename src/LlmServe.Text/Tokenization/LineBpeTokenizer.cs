using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization;

/// <summary>
/// Byte-pair encoding over characters (<c>gemma4</c>): spaces are escaped as in SentencePiece, lines and runs of line breaks are the pieces, and the
/// listed merges are done in their order. Characters without a token become byte tokens.
/// </summary>
internal sealed class LineBpeTokenizer : Tokenizer
{
    /// <summary>Names in <c>tokenizer.ggml.pre</c> by which files of the family <c>gpt2</c> ask for this tokenizer.</summary>
    public static readonly IReadOnlyList<string> RuleNames = ["gemma4", "granite-embed-multi-311m", "sarvam-moe"];

    private readonly TokenTable _table;
    private readonly PairTable _merges;
    private readonly int[] _byteTokens;
    private readonly int? _unknown;
    private readonly WordBorders _borders;

    private LineBpeTokenizer(Vocabulary vocabulary, SpecialTokens specials, TokenTable table, PairTable merges)
        : base(vocabulary, specials, EscapedText.Unescaped(vocabulary))
    {
        _table = table;
        _merges = merges;
        _byteTokens = EscapedText.ByteTokens(table);
        _unknown = specials.Unknown;
        _borders = new WordBorders(vocabulary);
    }

    /// <summary>Builds the tokenizer that a model file describes.</summary>
    public static LineBpeTokenizer Create(GgufMetadata metadata)
    {
        var vocabulary = Vocabulary.Read(metadata);
        var specials = SpecialTokens.Read(metadata, vocabulary, new SpecialDefaults(AddBos: true));
        var table = EscapedText.Spelled(vocabulary).Index(vocabulary);
        return new LineBpeTokenizer(vocabulary, specials, table, MergeTable.Read(metadata, vocabulary, table, Copy));
    }

    /// <inheritdoc/>
    protected override void EncodeText(ReadOnlySpan<char> text, bool afterSpecial, EncodeBuffers buffers, List<int> ids)
    {
        while (!text.IsEmpty)
        {
            bool breaks = text[0] == '\n';
            int end = breaks ? text.IndexOfAnyExcept('\n') : text.IndexOf('\n');
            end = end < 0 ? text.Length : end;
            EncodePiece(text[..end], breaks, buffers, ids);
            text = text[end..];
        }
    }

    private void EncodePiece(ReadOnlySpan<char> piece, bool mayBeWhole, EncodeBuffers buffers, List<int> ids)
    {
        buffers.ReserveText(piece.Length);
        int length = EscapedText.Write(piece, buffers.Utf8);
        int whole = mayBeWhole ? _table.Find(buffers.Utf8.AsSpan(0, length)) : -1;
        if (whole >= 0)
        {
            ids.Add(whole);
            return;
        }

        for (int start = 0; start < length;)
        {
            buffers.Cancellation.ThrowIfCancellationRequested();
            int end = _borders.Next(buffers.Utf8.AsSpan(0, length), start);
            int count = EscapedText.SplitCharacters(buffers, start, end, _table);
            count = Merger.Merge(new PairMergeRule(_merges), buffers, count);
            EscapedText.Append(buffers, count, _byteTokens, _unknown, ids);
            start = end;
        }
    }

    private static int Copy(ReadOnlySpan<byte> part, Span<byte> destination) => part.TryCopyTo(destination) ? part.Length : -1;
}
