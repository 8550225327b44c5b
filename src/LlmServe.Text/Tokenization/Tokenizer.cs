namespace LlmServe.Text.Tokenization;

/// <summary>What all families share: special tokens in the text, BOS and EOS, and the way back to bytes.</summary>
internal abstract class Tokenizer : ITokenizer
{
    private const string AsciiSpace = " \t\n\v\f\r";

    private readonly Vocabulary _vocabulary;
    private readonly SpecialTokens _specials;
    private readonly TokenBytes _bytes;
    private readonly SpecialTokenMatcher _matcher;
    private readonly HashSet<int> _eatSpaceAfter;

    /// <param name="vocabulary">The tokens.</param>
    /// <param name="specials">Those with a role.</param>
    /// <param name="bytes">[tokens] What each token stands for in text.</param>
    /// <param name="eatSpaceAfter">Special tokens behind which white space of the text is dropped.</param>
    protected Tokenizer(Vocabulary vocabulary, SpecialTokens specials, TokenBytes bytes, HashSet<int>? eatSpaceAfter = null)
    {
        _vocabulary = vocabulary;
        _specials = specials;
        _bytes = bytes;
        _eatSpaceAfter = eatSpaceAfter ?? [];
        _matcher = new SpecialTokenMatcher(vocabulary);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Warnings => _vocabulary.Warnings;

    /// <inheritdoc/>
    public int VocabularySize => _vocabulary.Count;

    /// <inheritdoc/>
    public int? BosId => _specials.Bos;

    /// <inheritdoc/>
    public int? EosId => _specials.Eos;

    /// <inheritdoc/>
    public IReadOnlySet<int> EndOfGenerationIds => _specials.EndOfGeneration;

    /// <inheritdoc/>
    public virtual bool StripsLeadingSpace => false;

    /// <inheritdoc/>
    public void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(literal);
        ArgumentNullException.ThrowIfNull(ids);
        if (addSpecial)
        {
            AppendStart(ids);
        }

        var spans = new LiteralSpans(literal);
        var buffers = EncodeBuffers.Take(cancellation);
        bool afterSpecial = true;
        for (var rest = text.AsSpan(); !rest.IsEmpty;)
        {
            int at = _matcher.Find(rest, text.Length - rest.Length, ref spans, out int length, out int id);
            if (at > 0)
            {
                EncodeText(rest[..at], afterSpecial, buffers, ids);
                afterSpecial = false;
            }

            rest = rest[(at + length)..];
            if (id >= 0)
            {
                ids.Add(id);
                afterSpecial = true;
                rest = _eatSpaceAfter.Contains(id) ? rest.TrimStart(AsciiSpace) : rest;
            }
        }

        buffers.Return();
        if (addSpecial)
        {
            AppendEnd(ids);
        }
    }

    /// <inheritdoc/>
    public ReadOnlySpan<byte> BytesOf(int id) => _bytes[Checked(id)];

    /// <inheritdoc/>
    public string PieceOf(int id) => _vocabulary.Piece(Checked(id));

    /// <inheritdoc/>
    public TokenKind KindOf(int id) => _vocabulary.Kinds[Checked(id)];

    /// <summary>Adds what the model's texts begin with.</summary>
    protected virtual void AppendStart(List<int> ids)
    {
        if (_specials.AddBos)
        {
            ids.Add(_specials.Bos!.Value);
        }
    }

    /// <summary>Adds what the model's texts end with.</summary>
    protected virtual void AppendEnd(List<int> ids)
    {
        if (_specials.AddEos)
        {
            ids.Add(_specials.Eos!.Value);
        }
    }

    /// <summary>Encodes a stretch of text in which no special tokens are to be found.</summary>
    /// <param name="text">The stretch, not empty.</param>
    /// <param name="afterSpecial">Whether it begins the text or follows a special token.</param>
    /// <param name="buffers">Working memory.</param>
    /// <param name="ids">Where to append.</param>
    protected abstract void EncodeText(ReadOnlySpan<char> text, bool afterSpecial, EncodeBuffers buffers, List<int> ids);

    private int Checked(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, _vocabulary.Count);
        return id;
    }
}
