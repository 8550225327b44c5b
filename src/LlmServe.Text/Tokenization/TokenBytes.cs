using System.Buffers;

namespace LlmServe.Text.Tokenization;

/// <summary>A byte string per token, in one block.</summary>
internal sealed class TokenBytes
{
    private TokenBytes(byte[] block, int[] starts)
    {
        Block = block;
        Starts = starts;
    }

    /// <summary>All strings, one after the other.</summary>
    public byte[] Block { get; }

    /// <summary>[tokens + 1] Where each begins in <see cref="Block"/>.</summary>
    public int[] Starts { get; }

    /// <summary>The bytes of a token.</summary>
    public ReadOnlySpan<byte> this[int id] => Block.AsSpan(Starts[id], Starts[id + 1] - Starts[id]);

    /// <summary>Collects what <paramref name="write"/> writes for each token.</summary>
    public static TokenBytes Build(int tokens, Action<int, IBufferWriter<byte>> write)
    {
        var block = new ArrayBufferWriter<byte>(tokens * 8);
        int[] starts = new int[tokens + 1];
        for (int id = 0; id < tokens; id++)
        {
            write(id, block);
            starts[id + 1] = block.WrittenCount;
        }

        return new TokenBytes(block.WrittenSpan.ToArray(), starts);
    }

    /// <summary>A table from these strings to their tokens; empty strings are left out.</summary>
    /// <exception cref="Gguf.GgufException">Two tokens have the same string.</exception>
    public TokenTable Index(Vocabulary vocabulary)
    {
        var table = new TokenTable(Block, Starts);
        for (int id = 0; id < Starts.Length - 1; id++)
        {
            if (this[id].Length > 0 && !table.TryAdd(id, out int earlier))
            {
                string piece = TokenizerErrors.Quote(vocabulary.Piece(id));
                throw TokenizerErrors.At(Vocabulary.TokensKey, $"{piece} as tokens {earlier} and {id}", "each token once");
            }
        }

        return table;
    }
}
