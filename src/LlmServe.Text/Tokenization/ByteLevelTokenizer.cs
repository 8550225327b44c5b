using System.Buffers;
using System.Text;
using LlmServe.Gguf;
using LlmServe.Text.Tokenization.PreTokenizers;

namespace LlmServe.Text.Tokenization;

/// <summary>
/// Byte-level byte-pair encoding (<c>gpt2</c>): text is cut into pieces by the rule that the file names, a piece's UTF-8 bytes are the first
/// symbols, and the listed merges are done in their order. A byte that the vocabulary lacks is dropped.
/// </summary>
internal sealed class ByteLevelTokenizer : Tokenizer
{
    private readonly Vocabulary _vocabulary;
    private readonly PreTokenizer _rule;
    private readonly bool _wholePieces;
    private readonly bool _composes;
    private readonly TokenTable _table;
    private readonly PairTable _merges;
    private readonly int[] _byteIds = new int[256];

    private ByteLevelTokenizer(
        Vocabulary vocabulary, SpecialTokens specials, TokenBytes bytes, TokenTable table, PairTable merges, PreTokenizerChoice choice, bool composes)
        : base(vocabulary, specials, bytes)
    {
        _vocabulary = vocabulary;
        _rule = choice.Rule;
        _wholePieces = choice.WholePieces;
        _composes = composes;
        _table = table;
        _merges = merges;
        for (int value = 0; value < 256; value++)
        {
            _byteIds[value] = table.Find([(byte)value]);
        }
    }

    /// <summary>Builds the tokenizer that a model file describes, with the splitting rule of a name.</summary>
    public static ByteLevelTokenizer Create(GgufMetadata metadata, string? rule)
    {
        var choice = PreTokenizerCatalog.Choose(rule);
        var vocabulary = Vocabulary.Read(metadata);
        var specials = SpecialTokens.Read(metadata, vocabulary, new SpecialDefaults(AddBos: choice.AddBos));
        var spelled = TokenBytes.Build(vocabulary.Count, (id, output) => WriteSpelled(vocabulary, id, output));
        var table = spelled.Index(vocabulary);
        var merges = MergeTable.Read(metadata, vocabulary, table, Decode);
        var bytes = TokenBytes.Build(vocabulary.Count, (id, output) => WriteText(vocabulary, id, spelled[id], output));

        // Bare vocabularies and the files of early converters do not say what they are; their ids have always been those of text as it is.
        bool composes = choice.Composes && metadata.TryGetString("general.type", out _);
        return new ByteLevelTokenizer(vocabulary, specials, bytes, table, merges, choice, composes);
    }

    /// <inheritdoc/>
    protected override void EncodeText(ReadOnlySpan<char> text, bool afterSpecial, EncodeBuffers buffers, List<int> ids)
    {
        text = _composes ? CanonicalNormalizer.Compose(text) : text;
        buffers.Ends.Clear();
        _rule.Cut(text, buffers.Ends, buffers.Scratch);
        int start = 0;
        foreach (int end in buffers.Ends)
        {
            buffers.Cancellation.ThrowIfCancellationRequested();
            EncodePiece(text[start..end], buffers, ids);
            start = end;
        }
    }

    private void EncodePiece(ReadOnlySpan<char> piece, EncodeBuffers buffers, List<int> ids)
    {
        buffers.ReserveText(piece.Length);
        int count = Encoding.UTF8.GetBytes(piece, buffers.Utf8);
        int whole = _wholePieces ? _table.Find(buffers.Utf8.AsSpan(0, count)) : -1;
        if (whole >= 0 && !_vocabulary.IsMark(whole))
        {
            ids.Add(whole);
            return;
        }

        buffers.ReserveSymbols(count);
        for (int i = 0; i < count; i++)
        {
            buffers.Ids[i] = _byteIds[buffers.Utf8[i]];
            buffers.Starts[i] = i;
        }

        buffers.Starts[count] = count;
        count = Merger.Merge(new PairMergeRule(_merges), buffers, count);
        foreach (int id in buffers.Ids.AsSpan(0, count))
        {
            if (id >= 0)
            {
                ids.Add(id);
            }
        }
    }

    /// <summary>The bytes that a token spells in the byte alphabet; nothing where it uses other characters, since no text can then become it.</summary>
    private static void WriteSpelled(Vocabulary vocabulary, int id, IBufferWriter<byte> output)
    {
        var piece = vocabulary.PieceBytes(id);
        int length = Decode(piece, output.GetSpan(piece.Length + 1));
        output.Advance(Math.Max(0, length));
    }

    /// <summary>Control and user-defined tokens are written as they are named.</summary>
    private static void WriteText(Vocabulary vocabulary, int id, ReadOnlySpan<byte> spelled, IBufferWriter<byte> output) =>
        output.Write(spelled.Length > 0 && vocabulary.Kinds[id] is TokenKind.Normal or TokenKind.Byte ? spelled : vocabulary.PieceBytes(id));

    private static int Decode(ReadOnlySpan<byte> part, Span<byte> destination)
    {
        int length = 0;
        while (!part.IsEmpty)
        {
            bool valid = Rune.DecodeFromUtf8(part, out var rune, out int consumed) == OperationStatus.Done;
            int value = valid ? ByteAlphabet.ByteOf(rune.Value) : -1;
            if (value < 0 || length == destination.Length)
            {
                return -1;
            }

            destination[length++] = (byte)value;
            part = part[consumed..];
        }

        return length;
    }
}
