using LlmServe.Gguf;

namespace LlmServe.Text.Tokenization;

/// <summary>Reads the merges of a byte-pair vocabulary.</summary>
internal static class MergeTable
{
    private const string Key = "tokenizer.ggml.merges";

    /// <summary>From (left token, right token) to (rank, merged token); of a merge that is listed twice the first counts, and none makes a mark.</summary>
    /// <param name="metadata">Where the merges are listed.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="table">From a token's bytes to its id.</param>
    /// <param name="decode">From a part as a merge spells it to the token's bytes, as in <paramref name="table"/>; returns how many, or −1.</param>
    /// <exception cref="GgufException">There is no list, or an entry is not two tokens that together are a third.</exception>
    public static PairTable Read(GgufMetadata metadata, Vocabulary vocabulary, TokenTable table, DecodePart decode)
    {
        if (!metadata.TryGetStringArray(Key, out var merges))
        {
            throw TokenizerErrors.At(Key, "nothing", "the list of merges that a byte-pair vocabulary needs");
        }

        var pairs = new PairTable(merges.Count);
        byte[] joined = new byte[Math.Max(1, 2 * table.LongestToken)];
        for (int rank = 0; rank < merges.Count; rank++)
        {
            var entry = merges.BytesOf(rank);

            // A part may itself be spelled with a space in front, so the separator is looked for behind the first byte.
            int space = entry.Length < 2 ? -1 : entry[1..].IndexOf((byte)' ') + 1;
            if (space <= 0)
            {
                throw Bad(rank, entry, "two tokens with a space between");
            }

            int left = Part(entry[..space], joined, 0, out int leftLength);
            int right = Part(entry[(space + 1)..], joined, leftLength, out int rightLength);
            int merged = table.Find(joined.AsSpan(0, leftLength + rightLength));
            if (left < 0 || right < 0 || merged < 0)
            {
                throw Bad(rank, entry, $"tokens of {Vocabulary.TokensKey} that together spell a third");
            }

            if (!vocabulary.IsMark(merged))
            {
                pairs.TryAdd(left, right, rank, merged);
            }
        }

        return pairs;

        int Part(ReadOnlySpan<byte> part, byte[] buffer, int at, out int length)
        {
            length = Math.Max(0, decode(part, buffer.AsSpan(at, table.LongestToken)));
            return table.Find(buffer.AsSpan(at, length));
        }
    }

    private static GgufException Bad(int rank, ReadOnlySpan<byte> entry, string allowed) =>
        TokenizerErrors.At(Key, $"{TokenizerErrors.Quote(System.Text.Encoding.UTF8.GetString(entry))} as entry {rank}", allowed);

    /// <summary>Turns a part of a merge into a token's bytes.</summary>
    /// <returns>Bytes written; −1 where the part cannot be a token or does not fit.</returns>
    internal delegate int DecodePart(ReadOnlySpan<byte> part, Span<byte> destination);
}

/// <summary>Merges by a table of pairs of tokens.</summary>
internal readonly struct PairMergeRule(PairTable pairs) : IMergeRule
{
    /// <inheritdoc/>
    public bool TryMerge(int left, int right, int start, int end, out int rank, out int merged) => pairs.TryGet(left, right, out rank, out merged);
}
