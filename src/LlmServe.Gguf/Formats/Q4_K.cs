using System.Runtime.InteropServices;

namespace LlmServe.Gguf.Formats;

/// <summary>256 weights as eight times 32: nibbles with 6-bit scales and minimums. Value = w · s · q − wm · n.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public unsafe struct Q4_K : IBlockFormat<Q4_K>, IBlockEncoder
{
    private ushort _scale;
    private ushort _minimum;
    private fixed byte _scales[12];
    private fixed byte _nibbles[128];

    /// <inheritdoc/>
    public static GgmlType Type => GgmlType.Q4_K;

    /// <inheritdoc/>
    public static int BlockSize => 256;

    /// <inheritdoc/>
    public static int BlockBytes => 144;

    /// <inheritdoc/>
    public static BlockKind Kind => BlockKind.SuperWithMinimum;

    /// <inheritdoc/>
    public static int SubBlockSize => 32;

    /// <inheritdoc/>
    public static int CodeBits => 4;

    /// <inheritdoc/>
    public static void Unpack(byte* block, int piece, out Codes32 codes)
    {
        var source = (Q4_K*)block;
        codes = default;
        codes.Scale = BlockBits.Widen(source->_scale);
        codes.Minimum = BlockBits.Widen(source->_minimum);
        var (scale, minimum) = BlockBits.SixBitPair(source->_scales, piece);
        codes.SubScale0 = codes.SubScale1 = scale;
        codes.SubMinimum0 = codes.SubMinimum1 = minimum;

        // 32 bytes hold two pieces: low nibbles the even one, high nibbles the odd one.
        byte* column = source->_nibbles + 32 * (piece >> 1);
        int shift = 4 * (piece & 1);
        for (int i = 0; i < 32; i++)
        {
            codes.Q[i] = (sbyte)(column[i] >> shift & 15);
        }
    }

    /// <inheritdoc/>
    static void IBlockEncoder.Encode(float* weights, byte* block)
    {
        var target = (Q4_K*)block;
        float* scales = stackalloc float[8];
        float* minimums = stackalloc float[8];
        for (int i = 0; i < 8; i++)
        {
            // A minimum is stored as a magnitude to subtract, so the range of positive weights has to start at zero.
            var (least, most) = BlockFit.Range(weights + 32 * i, 32);
            minimums[i] = MathF.Max(0, -least);
            scales[i] = (most + minimums[i]) / 15;
        }

        (target->_scale, float unit) = BlockFit.Narrow(MathF.Abs(BlockFit.Extreme(scales, 8)) / 63);
        (target->_minimum, float minimumUnit) = BlockFit.Narrow(BlockFit.Extreme(minimums, 8) / 63);
        new Span<byte>(target->_nibbles, 128).Clear();
        Span<byte> scaleCodes = stackalloc byte[8];
        Span<byte> minimumCodes = stackalloc byte[8];
        for (int i = 0; i < 8; i++)
        {
            scaleCodes[i] = (byte)BlockFit.Code(scales[i], unit, 0, 63);
            minimumCodes[i] = (byte)BlockFit.Code(minimums[i], minimumUnit, 0, 63);
            float minimum = minimumUnit * minimumCodes[i];
            for (int j = 0; j < 32; j++)
            {
                int code = BlockFit.Code(weights[32 * i + j] + minimum, unit * scaleCodes[i], 0, 15);
                target->_nibbles[32 * (i >> 1) + j] |= (byte)(code << (4 * (i & 1)));
            }
        }

        BlockBits.JoinSixBitPairs(scaleCodes, minimumCodes, target->_scales);
    }
}
