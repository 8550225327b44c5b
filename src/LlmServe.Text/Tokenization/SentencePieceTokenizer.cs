using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization;

/// <summary>
/// SentencePiece byte-pair encoding (<c>llama</c>): characters are the first symbols, and neighbours that together spell a token merge, highest
/// score first. Characters without a token become byte tokens.
/// </summary>
internal sealed class SentencePieceTokenizer : Tokenizer
{
    private const string ModelNameKey = "general.name";

    private readonly TokenTable _table;
    private readonly int[] _ranks;
    private readonly int[] _byteTokens;
    private readonly int? _unknown;
    private readonly WordBorders _borders;

    private SentencePieceTokenizer(
        Vocabulary vocabulary, SpecialTokens specials, TokenTable table, int[] ranks, bool addSpacePrefix, HashSet<int> eatSpaceAfter)
        : base(vocabulary, specials, EscapedText.Unescaped(vocabulary), eatSpaceAfter)
    {
        _table = table;
        _ranks = ranks;
        _byteTokens = EscapedText.ByteTokens(table);
        _unknown = specials.Unknown;
        _borders = new WordBorders(vocabulary);
        StripsLeadingSpace = addSpacePrefix;
    }

    /// <inheritdoc/>
    public override bool StripsLeadingSpace { get; }

    /// <summary>Builds the tokenizer that a model file describes.</summary>
    public static SentencePieceTokenizer Create(GgufMetadata metadata)
    {
        var vocabulary = Vocabulary.Read(metadata);
        var specials = SpecialTokens.Read(metadata, vocabulary, new SpecialDefaults(Bos: 1, Eos: 2, Unknown: 0, AddBos: true));
        int[] ranks = Ranks(vocabulary, vocabulary.ReadScores(metadata));
        var table = EscapedText.Spelled(vocabulary).Index(vocabulary);
        bool addSpacePrefix = !metadata.TryGetBool("tokenizer.ggml.add_space_prefix", out bool given) || given;
        var eatSpaceAfter = IsPhi3(metadata) ? Phi3Marks(vocabulary) : [];
        return new SentencePieceTokenizer(vocabulary, specials, table, ranks, addSpacePrefix, eatSpaceAfter);
    }

    /// <inheritdoc/>
    protected override void EncodeText(ReadOnlySpan<char> text, bool afterSpecial, EncodeBuffers buffers, List<int> ids)
    {
        buffers.ReserveText(checked(text.Length + 1));
        int length = 0;
        if (StripsLeadingSpace && afterSpecial)
        {
            EscapedText.Space.CopyTo(buffers.Utf8);
            length = EscapedText.Space.Length;
        }

        length += EscapedText.Write(text, buffers.Utf8.AsSpan(length));
        for (int start = 0; start < length;)
        {
            buffers.Cancellation.ThrowIfCancellationRequested();
            int end = _borders.Next(buffers.Utf8.AsSpan(0, length), start);
            int count = EscapedText.SplitCharacters(buffers, start, end, _table);
            count = Merger.Merge(new ScoreRule(buffers.Utf8, _table, _ranks), buffers, count);
            EscapedText.Append(buffers, count, _byteTokens, _unknown, ids);
            start = end;
        }
    }

    /// <summary>[tokens] The rank of each score: 0 for the highest, equal for equal ones; −1 for marks, which no merge may make.</summary>
    private static int[] Ranks(Vocabulary vocabulary, float[] scores)
    {
        int[] order = new int[scores.Length];
        float[] sorted = new float[scores.Length];
        for (int id = 0; id < order.Length; id++)
        {
            order[id] = id;
            sorted[id] = -scores[id];
        }

        Array.Sort(sorted, order);
        int[] ranks = new int[scores.Length];
        int rank = 0;
        for (int i = 0; i < order.Length; i++)
        {
            rank += i > 0 && sorted[i] != sorted[i - 1] ? 1 : 0;
            ranks[order[i]] = vocabulary.IsMark(order[i]) ? -1 : rank;
        }

        return ranks;
    }

    // Phi-3's own tokenizer drops white space behind its marks; its files do not say so, only their name tells.
    private static bool IsPhi3(GgufMetadata metadata) =>
        metadata.TryGetString(ModelNameKey, out string? name)
        && (name.Contains("phi-3", StringComparison.OrdinalIgnoreCase) || name.Contains("phi3", StringComparison.OrdinalIgnoreCase));

    private static HashSet<int> Phi3Marks(Vocabulary vocabulary)
    {
        var marks = new HashSet<int>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            bool special = vocabulary.Kinds[id] is TokenKind.Control or TokenKind.UserDefined or TokenKind.Unknown;
            if (special && vocabulary.Piece(id) is not ("<unk>" or "<s>" or "<|endoftext|>"))
            {
                marks.Add(id);
            }
        }

        return marks;
    }

    private readonly struct ScoreRule(byte[] text, TokenTable table, int[] ranks) : IMergeRule
    {
        public bool TryMerge(int left, int right, int start, int end, out int rank, out int merged)
        {
            merged = table.Find(text.AsSpan(start, end - start));
            rank = merged < 0 ? -1 : ranks[merged];
            return rank >= 0;
        }
    }
}
