using LlmServe.Cpu.Execution;
using LlmServe.Cpu.Kernels.Simd.Codes;
using LlmServe.Gguf.Formats;

namespace LlmServe.Cpu.Kernels.Simd;

/// <summary>
/// Decodes one row of a repacked matrix to f32, to the bits that the file's own layout gives (docs/numerics.md, "Decoded weights"): a table that is both
/// looked up and multiplied is kept once.
/// </summary>
internal static unsafe class PackedRow<TSimd, V, TBlock, TCodes>
    where TSimd : struct, ISimd<V>
    where V : unmanaged
    where TBlock : unmanaged, IBlockFormat<TBlock>
    where TCodes : struct, ICodePlanes
{
    /// <summary>Decodes a row.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="row">0 … Rows − 1.</param>
    /// <param name="target">[columns]</param>
    public static void Decode(Matrix* matrix, int row, float* target)
    {
        int inTile = row % PackedLayout<TBlock, TCodes>.TileRows;
        byte* segment = matrix->Packed + (row / PackedLayout<TBlock, TCodes>.TileRows * matrix->TileBytes);
        for (int left = matrix->Columns / 32; left > 0; left -= PackedLayout<TBlock, TCodes>.PiecesPerSegment)
        {
            int pieces = Math.Min(PackedLayout<TBlock, TCodes>.PiecesPerSegment, left);
            var at = new SegmentCursor<TBlock, TCodes>(segment, pieces);
            for (int piece = 0; piece < pieces; piece++, target += 32)
            {
                DecodePiece(at, inTile, target);
                at.Next(piece);
            }

            segment = at.Codes;
        }
    }

    private static void DecodePiece(in SegmentCursor<TBlock, TCodes> at, int row, float* target)
    {
        bool isFine = TBlock.SubBlockSize == 16;
        int entry = isFine ? 2 * row : row;
        float first = Scale(at.Scales, row), second = PackedLayout<TBlock, TCodes>.IsPaired ? Scale(at.Scales, PackedLayout<TBlock, TCodes>.TileRows + row) : first;
        float minimum = PackedLayout<TBlock, TCodes>.HasMinimum ? Scale(at.Minimums, row) : 0, secondMinimum = minimum;
        if (PackedLayout<TBlock, TCodes>.IsSuper)
        {
            second *= (sbyte)at.SubScales[isFine ? entry + 1 : entry];
            first *= (sbyte)at.SubScales[entry];
        }

        if (TBlock.Kind == BlockKind.SuperWithMinimum)
        {
            // Stored negated.
            secondMinimum *= (sbyte)at.SubMinimums[isFine ? entry + 1 : entry];
            minimum *= (sbyte)at.SubMinimums[entry];
        }

        // Groups of four weights stand together for each row of a vector.
        byte* part = at.Codes + (row / TSimd.Lanes * sizeof(V));
        int lane = row % TSimd.Lanes;
        for (int pair = 0; pair < 4; pair++)
        {
            TCodes.LoadPair<TSimd, V>(part, pair, out var even, out var odd);
            DecodeGroup((byte*)&even + (4 * lane), pair < 2 ? first : second, pair < 2 ? minimum : secondMinimum, target + (8 * pair));
            DecodeGroup((byte*)&odd + (4 * lane), pair < 2 ? first : second, pair < 2 ? minimum : secondMinimum, target + (8 * pair) + 4);
        }
    }

    private static void DecodeGroup(byte* codes, float scale, float minimum, float* target)
    {
        for (int i = 0; i < 4; i++)
        {
            int code = TCodes.IsWide ? (sbyte)codes[i] : codes[i] - TCodes.Bias;

            // A plain product where there is no minimum, since adding a zero would turn −0 into +0.
            target[i] = PackedLayout<TBlock, TCodes>.HasMinimum ? MathF.FusedMultiplyAdd(scale, code, minimum) : scale * code;
        }
    }

    private static float Scale(byte* stored, int at)
    {
        ushort bits = ((ushort*)stored)[at];
        return TBlock.ScaleType != ScaleType.Half
            ? BitConverter.UInt32BitsToSingle((uint)bits << 16)
            : MathF.ScaleB((float)BitConverter.UInt16BitsToHalf(bits), TBlock.ScaleExponent);
    }
}
