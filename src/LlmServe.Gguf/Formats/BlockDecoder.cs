namespace LlmServe.Gguf.Formats;

/// <summary>Decodes rows to f32: docs/numerics.md, "Decoded weights", the exact real value rounded once. Plain loops, meant as the oracle of faster code.</summary>
internal static unsafe class BlockDecoder
{
    /// <summary>Decodes <paramref name="count"/> weights, a multiple of the block size.</summary>
    public static void Decode<T>(byte* data, float* destination, long count) where T : unmanaged, IBlockFormat<T>
    {
        for (long done = 0; done < count; done += T.BlockSize, data += T.BlockBytes)
        {
            for (int piece = 0; piece < T.BlockSize / 32; piece++, destination += 32)
            {
                T.Unpack(data, piece, out var codes);
                float second = T.Kind == BlockKind.Paired ? codes.SecondScale : codes.Scale;
                DecodeHalf<T>(in codes, 0, codes.Scale * codes.SubScale0, codes.SubMinimum0, destination);
                DecodeHalf<T>(in codes, 16, second * codes.SubScale1, codes.SubMinimum1, destination);
            }
        }
    }

    private static void DecodeHalf<T>(in Codes32 codes, int start, float scale, int subMinimum, float* destination)
        where T : unmanaged, IBlockFormat<T>
    {
        if (T.Kind is not (BlockKind.WithMinimum or BlockKind.SuperWithMinimum))
        {
            // A plain product, since adding a zero would turn −0 into +0.
            for (int i = start; i < start + 16; i++)
            {
                destination[i] = scale * codes.Q[i];
            }

            return;
        }

        float minimum = T.Kind == BlockKind.WithMinimum ? codes.Minimum : -(codes.Minimum * subMinimum);
        for (int i = start; i < start + 16; i++)
        {
            destination[i] = MathF.FusedMultiplyAdd(scale, codes.Q[i], minimum);
        }
    }

    /// <summary>Copies binary32 values.</summary>
    public static void DecodeF32(byte* data, float* destination, long count) =>
        Buffer.MemoryCopy(data, destination, count * sizeof(float), count * sizeof(float));

    /// <summary>Widens binary16 values.</summary>
    public static void DecodeF16(byte* data, float* destination, long count)
    {
        for (long i = 0; i < count; i++)
        {
            destination[i] = BlockBits.Widen((ushort)(data[2 * i] | data[2 * i + 1] << 8));
        }
    }

    /// <summary>Widens bfloat16 values: the upper half of a binary32.</summary>
    public static void DecodeBF16(byte* data, float* destination, long count)
    {
        for (long i = 0; i < count; i++)
        {
            destination[i] = BitConverter.Int32BitsToSingle((data[2 * i] | data[2 * i + 1] << 8) << 16);
        }
    }
}
