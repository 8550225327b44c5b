namespace LlmServe.Cpu.Kernels.Simd.Codes;

/// <summary>
/// How the integer codes of a piece (16 rows × 32 weights) are stored. A chunk is 64 bytes: four bytes of each row, so that a vector holds the same
/// four weights of its rows. Weights are grouped by fours: group t (0 … 7) holds weights 4t … 4t + 3 of the piece.
/// </summary>
internal unsafe interface ICodePlanes
{
    /// <summary>Bytes of a piece.</summary>
    static abstract int PieceBytes { get; }

    /// <summary>Added to codes when packing, so that stored ones are unsigned; 0 where they are signed bytes.</summary>
    static abstract int Bias { get; }

    /// <summary>Whether loaded codes are full signed bytes, which need 16-bit products.</summary>
    static abstract bool Wide { get; }

    /// <summary>Whether a pair's codes are the nibbles of a chunk, the low ones first, and nothing else.</summary>
    static abstract bool IsNibbles { get; }

    /// <summary>Groups of four whose unsigned products with 8-bit activations add up in 16 bits: 8, 4 or 2.</summary>
    static abstract int GroupsPerSum { get; }

    /// <summary>Stores the codes of a piece. codes: [16 rows][32], biased</summary>
    static abstract void Pack(byte* codes, byte* piece);

    /// <summary>Loads groups 2·pair and 2·pair + 1 of the rows of a vector; <paramref name="piece"/> points at the vector's part of the first chunk.</summary>
    static abstract void LoadPair<TSimd, V>(byte* piece, int pair, out V even, out V odd) where TSimd : struct, ICodeSimd<V> where V : unmanaged;
}

/// <summary>Packing helpers over planes of bits.</summary>
internal static unsafe class Planes
{
    public const int Chunk = 64;

    /// <summary>ORs bits [from, from + bits) of every code into a plane in which group t stands at chunk (t / perChunk), bit (t % perChunk) · bits of its byte.</summary>
    public static void Store(byte* codes, byte* plane, int from, int bits)
    {
        int perChunk = 8 / bits;
        uint mask = (uint)((1 << bits) - 1) * 0x01010101;
        new Span<byte>(plane, 8 / perChunk * Chunk).Clear();
        for (int row = 0; row < 16; row++)
        {
            // Four codes at a time: what a shift brings over from a neighbouring byte, the mask drops.
            uint* groups = (uint*)(codes + (row * 32));
            for (int group = 0; group < 8; group++)
            {
                uint* target = (uint*)(plane + (group / perChunk * Chunk) + (row * 4));
                *target |= ((groups[group] >> from) & mask) << (group % perChunk * bits);
            }
        }
    }

    /// <summary>Shifts bytes of 16-bit lanes left by a positive count, right by a negative one.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining)]
    public static V Shift<TSimd, V>(V value, int left) where TSimd : struct, ICodeSimd<V> where V : unmanaged =>
        left > 0 ? TSimd.ShiftLeft16(value, (byte)left) : left < 0 ? TSimd.ShiftRight16(value, (byte)-left) : value;
}
