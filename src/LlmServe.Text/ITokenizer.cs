namespace LlmServe.Text;

/// <summary>What a token is, with GGUF's numbers (<c>tokenizer.ggml.token_type</c>).</summary>
public enum TokenKind
{
    Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6,
}

/// <summary>Text to token ids and back. Implementations are immutable and safe to share between threads.</summary>
public interface ITokenizer
{
    /// <summary>What is odd about the vocabulary without being wrong, one sentence each; whoever loads the model tells people.</summary>
    IReadOnlyList<string> Warnings => [];

    /// <summary>Number of token ids; valid ids are 0 … VocabularySize − 1.</summary>
    int VocabularySize { get; }

    /// <summary>Beginning-of-sequence token, where the model has one.</summary>
    int? BosId { get; }

    /// <summary>End-of-sequence token, where the model has one.</summary>
    int? EosId { get; }

    /// <summary>Ids that end a generation (end of sequence, end of turn, …).</summary>
    IReadOnlySet<int> EndOfGenerationIds { get; }

    /// <summary>Appends the ids of <paramref name="text"/> to <paramref name="ids"/>.</summary>
    /// <remarks>
    /// Control tokens that are written out in the text become their ids, except where any part of them lies in a literal stretch; tokens that the file
    /// lists as user-defined are found everywhere. Nothing else changes at the borders of literal stretches: the text is cut into pieces as a whole.
    /// </remarks>
    /// <param name="text">Any string; unpaired surrogates are read as U+FFFD.</param>
    /// <param name="addSpecial">Whether the model's own BOS/EOS rules apply.</param>
    /// <param name="literal">Stretches in which control tokens are plain text, in order and apart from each other.</param>
    /// <param name="ids">Where to append.</param>
    /// <param name="cancellation">Ends the work, with some ids appended, where nobody waits for it any more.</param>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    void Encode(string text, bool addSpecial, IReadOnlyList<TextSpan> literal, List<int> ids, CancellationToken cancellation = default);

    /// <summary>The bytes that a token stands for in text (UTF-8, possibly part of a character). Control tokens give the bytes of their name.</summary>
    ReadOnlySpan<byte> BytesOf(int id);

    /// <summary>The token as the vocabulary spells it.</summary>
    string PieceOf(int id);

    /// <summary>What the token is.</summary>
    TokenKind KindOf(int id);

    /// <summary>Whether decoding drops the first space of the first token of a text (SentencePiece with a space prefix).</summary>
    bool StripsLeadingSpace { get; }
}
