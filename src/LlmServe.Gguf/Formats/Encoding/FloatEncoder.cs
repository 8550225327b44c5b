namespace LlmServe.Gguf.Formats.Encoding;

/// <summary>Encodes rows of plain numbers. An importance of columns makes no difference to them.</summary>
internal static unsafe class FloatEncoder
{
    /// <summary>Copies binary32 values.</summary>
    public static void EncodeF32(float* weights, float* importance, byte* blocks, long count) =>
        Buffer.MemoryCopy(weights, blocks, count * sizeof(float), count * sizeof(float));

    /// <summary>Rounds to binary16, nearest even; what is too large becomes an infinity.</summary>
    public static void EncodeF16(float* weights, float* importance, byte* blocks, long count)
    {
        for (long i = 0; i < count; i++)
        {
            ushort bits = BitConverter.HalfToUInt16Bits((Half)weights[i]);
            blocks[2 * i] = (byte)bits;
            blocks[2 * i + 1] = (byte)(bits >> 8);
        }
    }

    /// <summary>Rounds to bfloat16, nearest even. A NaN stays one: its upper half could otherwise read as an infinity.</summary>
    public static void EncodeBF16(float* weights, float* importance, byte* blocks, long count)
    {
        for (long i = 0; i < count; i++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(weights[i]);
            uint upper = float.IsNaN(weights[i]) ? bits >> 16 | 0x40 : (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
            blocks[2 * i] = (byte)upper;
            blocks[2 * i + 1] = (byte)(upper >> 8);
        }
    }
}
