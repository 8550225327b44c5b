namespace LlmServe.Cpu.Kernels.Simd.Codes;

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

    /// <summary>Groups of four whose products of codes up to <paramref name="largest"/> and 8-bit activations add up in 16 bits: 8, 4, 2, 1, or 0 for not even one.</summary>
    public static int GroupsPerSum(int largest)
    {
        // A group has two products in each sum of 16 bits.
        int groups = 8;
        while (groups > 0 && groups * 2 * largest * 127 > short.MaxValue)
        {
            groups /= 2;
        }

        return groups;
    }
}
