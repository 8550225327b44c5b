using System.Buffers.Binary;
using System.Numerics;

namespace LlmServe.Text.Tokenization;

/// <summary>From bytes to the token that they spell: an open hash table over one block of bytes, without an object per token.</summary>
internal sealed class TokenTable
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    private readonly byte[] _block;
    private readonly int[] _starts;   // [tokens + 1] offsets in _block
    private readonly ulong[] _slots;  // hash in the high half, id + 1 in the low half; 0 is free
    private readonly int _mask;

    /// <param name="block">All tokens' bytes, one after the other.</param>
    /// <param name="starts">[tokens + 1] where each token begins in <paramref name="block"/>.</param>
    public TokenTable(byte[] block, int[] starts)
    {
        _block = block;
        _starts = starts;
        int tokens = starts.Length - 1;
        _slots = new ulong[1 << (BitOperations.Log2((uint)Math.Max(4, tokens)) + 2)];
        _mask = _slots.Length - 1;
    }

    /// <summary>Bytes of the longest token that was added.</summary>
    public int LongestToken { get; private set; }

    /// <summary>Adds a token under its bytes. Where an earlier token has the same bytes, adds nothing and gives that token.</summary>
    public bool TryAdd(int id, out int earlier)
    {
        var bytes = BytesOf(id);
        uint hash = Hash(bytes);
        earlier = Find(bytes, hash, out int index);
        if (earlier >= 0)
        {
            return false;
        }

        _slots[index] = ((ulong)hash << 32) | (uint)(id + 1);
        LongestToken = Math.Max(LongestToken, bytes.Length);
        return true;
    }

    /// <summary>The token with exactly these bytes, or −1.</summary>
    public int Find(ReadOnlySpan<byte> bytes) => bytes.Length > LongestToken ? -1 : Find(bytes, Hash(bytes), out _);

    /// <summary>The bytes of a token.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => _block.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    private int Find(ReadOnlySpan<byte> bytes, uint hash, out int index)
    {
        for (index = (int)hash & _mask; _slots[index] != 0; index = (index + 1) & _mask)
        {
            int id = (int)(uint)_slots[index] - 1;
            if ((uint)(_slots[index] >> 32) == hash && bytes.SequenceEqual(BytesOf(id)))
            {
                return id;
            }
        }

        return -1;
    }

    private static uint Hash(ReadOnlySpan<byte> bytes)
    {
        ulong hash = (ulong)bytes.Length * Multiplier;
        while (bytes.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        ulong rest = 0;
        foreach (byte value in bytes)
        {
            rest = (rest << 8) | value;
        }

        return (uint)(Mix(hash ^ rest) >> 32);
    }

    private static ulong Mix(ulong value)
    {
        value *= Multiplier;
        return (value ^ (value >> 29)) * 0xBF58476D1CE4E5B9;
    }
}
