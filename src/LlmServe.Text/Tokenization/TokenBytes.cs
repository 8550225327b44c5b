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

    /// <summary>A table from these strings to their tokens; empty strings are left out. Of two tokens with the same string the lower id is in it.</summary>
    public TokenTable Index(Vocabulary vocabulary)
    {
        var table = new TokenTable(Block, Starts);
        int repeated = 0;
        string first = "";
        for (int id = 0; id < Starts.Length - 1; id++)
        {
            if (this[id].Length > 0 && !table.TryAdd(id, out int earlier))
            {
                first = repeated++ == 0 ? $"{TokenizerErrors.Quote(vocabulary.Piece(id))} as tokens {earlier} and {id}" : first;
            }
        }

        if (repeated > 0)
        {
            string others = repeated == 1 ? "" : $", and {repeated - 1} more of the kind";
            vocabulary.Warnings.Add($"{Vocabulary.TokensKey} has {first}{others}; text becomes the token with the lower id");
        }

        return table;
    }
}
